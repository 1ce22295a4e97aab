// A browser that is not ours: Debian's Chromium, driven by playwright-core. It reads JSON from its argument and prints JSON.
//
//     {"screen": {"scheme": "dark", "width": 390, "height": 844, "javascript": false}, "steps": [...]}
//
// All steps share one browser profile. Each step is an object with one of these keys:
//     goto: URL              open a page; an error status is no failure
//     click: SELECTOR        click and wait for the page that follows; `optional: true` forgives its absence
//     fill: SELECTOR         type `value` into a field
//     expect: SELECTOR       fail when it does not show; `text` must be found in it when given; `keep: NAME` reports its text
//     screenshot: FILE       the whole page as PNG; nothing may stick out to the side
//     axe: NAME              report violations of WCAG 2.2 A and AA, and what cannot be seen by rules but is known to matter; needs JavaScript
//     press: KEY             on the keyboard; with `until: SELECTOR` again and again until that has the focus, which must be seen wherever it comes by
//     type: TEXT             by the keyboard, where the focus is
//     patch: URL             meanwhile, by another program with `headers`, on what is there: `body` is the merge patch
//     forget_app: true       drop every cookie, as a new person at the same machine
// The answer: {ok, url, title, status, console, kept, axe, visited}; a failed step adds `failed` and ends with status 1.

import { existsSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const { screen = {}, steps } = JSON.parse(process.argv[2]);
const { scheme = 'light', width = 1280, height = 800, javascript = true } = screen;
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const browser = await chromium.launch({
  executablePath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({
  colorScheme: scheme,
  viewport: { width, height },
  javaScriptEnabled: javascript,
  ignoreHTTPSErrors: true,
  locale: 'en-GB',
});
const page = await context.newPage();
page.setDefaultTimeout(15_000);

const seen = { ok: true, url: '', title: '', status: 0, console: [], kept: {}, axe: {}, visited: [] };
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) seen.console.push(`${message.location().url}: ${message.text()}`);
});
page.on('framenavigated', (frame) => frame === page.mainFrame() && seen.visited.push(new URL(frame.url()).origin + new URL(frame.url()).pathname));
page.on('response', (response) => {
  if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) seen.status = response.status();
});

const acts = {
  goto: (url) => page.goto(url),
  async click(selector, { optional }) {
    if (optional && !(await page.locator(selector).count())) return;
    await page.locator(selector).first().click();
    await page.waitForLoadState();
  },
  fill: (selector, { value }) => page.locator(selector).first().fill(value),
  async expect(selector, { text, keep }) {
    const element = page.locator(selector).first();
    await element.waitFor();
    const found = (await element.textContent()).trim();
    if (text && !found.includes(text)) throw new Error(`${selector} says ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
    if (keep) seen.kept[keep] = found;
  },
  async screenshot(path) {
    const image = await page.screenshot({ path, fullPage: true });
    const wide = image.readUInt32BE(16);
    if (wide > width) throw new Error(`${page.url()} is ${wide} pixels wide on a screen of ${width}`);
  },
  async axe(name) {
    if (!javascript) throw new Error('axe is a script: without JavaScript it never answers');
    // In "legacy mode" axe looks into no frame of another origin, where there is nothing of ours, and opens no second page to add up what it found, which
    // takes a third of its time.
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
    seen.axe[name] = violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, at: nodes.map((node) => node.html) }));
  },
  async press(key, { until }) {
    if (!until) return page.keyboard.press(key);
    for (let times = 0; times < 200; times += 1) {
      await page.keyboard.press(key);
      const hidden = await page.evaluate(withoutVisibleFocus);
      if (hidden) throw new Error(`nobody sees that the focus is at ${hidden}`);
      const wanted = page.locator(until).first();
      if ((await wanted.count()) && (await wanted.evaluate((element) => element === document.activeElement))) return;
    }
    throw new Error(`${key} does not lead to ${until}`);
  },
  type: (text) => page.keyboard.type(text),
  async patch(url, { headers, body }) {
    const etag = (await fetch(url, { headers })).headers.get('etag');
    const sent = { ...headers, 'content-type': 'application/merge-patch+json', 'if-match': etag };
    const answer = await fetch(url, { method: 'PATCH', headers: sent, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${await answer.text()}`);
  },
  forget_app: () => context.clearCookies(),
};

/** What has the focus, if nothing shows that: no outline, or a place outside of the page. Runs in the page. */
function withoutVisibleFocus() {
  const { activeElement: at } = document;
  if (!at || at === document.body) return undefined;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const { width, height, right, bottom } = at.getBoundingClientRect();
  const isSeen = at.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && width && height && right > 0 && bottom > 0;
  return isSeen ? undefined : at.outerHTML.slice(0, 200);
}

for (const step of steps) {
  const act = Object.keys(acts).find((name) => name in step);
  try {
    await acts[act](step[act], step);
  } catch (error) {
    seen.ok = false;
    seen.failed = { step, message: error.message.split('\n')[0], page: await page.content().catch(() => '') };
    process.exitCode = 1;
    break;
  }
}
seen.url = page.url();
seen.title = await page.title().catch(() => '');
await browser.close();
console.log(JSON.stringify(seen));
