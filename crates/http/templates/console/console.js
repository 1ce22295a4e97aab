// Comfort for the console's pages, which do their work without it.
"use strict";

// Copies what an element says; the button that does it is shown only where this runs.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.textContent);
  const said = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = said; }, 1500);
});

document.documentElement.classList.add("scripted");

// On a narrow screen the navigation is folded until it is wanted.
const menu = document.querySelector(".menu");
const narrow = matchMedia("(max-width: 60rem)");
const fold = () => menu?.toggleAttribute("open", !narrow.matches);
narrow.addEventListener("change", fold);
fold();

// What is said of a field while it is written holds for the field itself too.
document.addEventListener("htmx:afterSwap", (event) => {
  const said = event.detail.target;
  if (!said.classList.contains("fault")) return;
  const field = document.getElementById(said.id.replace(/-fault$/, ""));
  if (said.textContent.trim()) field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
});

// A dashboard is sent again and again, as server-sent events. They are read here, because `EventSource` gives up for good where it is refused and does not
// say why.
const say = (board, text) => {
  const said = board.querySelector(".lately");
  if (said.textContent !== text) said.textContent = text;
};
// Whoever reads a table of it or has the keyboard in it is not disturbed, and whoever wants it to stand still says so.
const draw = (board, html) => {
  const shown = board.querySelector(".live");
  if (shown.contains(document.activeElement)) return;
  const sent = document.createRange().createContextualFragment(html);
  const next = sent.querySelector(".live");
  for (const table of shown.querySelectorAll("details[open][id]")) next.querySelector(`#${table.id}`)?.setAttribute("open", "");
  shown.replaceWith(next);
  board.querySelector(".as-of").textContent = sent.querySelector(".as-of").textContent;
};
// Draws what comes until nothing comes any more; whether anything came.
const follow = async (board, body, signal) => {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const next = () => reader.read().catch(() => ({ done: true }));
  let [text, came] = ["", false];
  for (let piece = await next(); !piece.done && !signal.aborted; piece = await next()) {
    const events = (text + piece.value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
      // A comment, which keeps the connection open.
      if (data.length === 0) continue;
      came = true;
      say(board, " · live");
      draw(board, data.join("\n"));
    }
  }
  return came;
};
const rest = (seconds, signal) => new Promise((rested) => {
  setTimeout(rested, seconds * 1000);
  signal.addEventListener("abort", rested);
});
// Seconds until it is asked for again: at least as long as we are told, and longer each time that nothing came.
const SOON = 3;
const LATE = 300;
const patience = (answer, failures) => Math.max(Number(answer?.headers.get("retry-after")) || 0, Math.min(SOON * 2 ** failures, LATE));
const watch = async (board, signal) => {
  let failures = 0;
  while (!signal.aborted) {
    const answer = await fetch(board.dataset.live, { signal, cache: "no-store" }).catch(() => null);
    const is_stream = answer?.status === 200 && answer.headers.get("content-type")?.startsWith("text/event-stream");
    const came = is_stream && await follow(board, answer.body, signal);
    if (signal.aborted) return;
    // Whoever is told that there is nothing for them, or that they may not, is told the same tomorrow.
    if (answer && answer.status !== 200 && answer.status !== 429 && answer.status < 500) return say(board, " · no longer live");
    failures = came ? 0 : failures + 1;
    const seconds = patience(answer, failures);
    if (failures > 0) say(board, ` · not live just now; asked again in ${seconds} seconds`);
    await rest(seconds, signal);
  }
};
let watching;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pause]");
  if (!button) return;
  const paused = button.closest("[data-live]").classList.toggle("paused");
  button.textContent = paused ? "Go on" : "Pause";
  look();
});
const board = document.querySelector("[data-live]");
// Nothing is kept open for a page that nobody looks at: a browser has six connections for all of them.
const look = () => {
  if (!board) return;
  watching?.abort();
  watching = new AbortController();
  if (document.hidden || board.classList.contains("paused")) return say(board, "");
  watch(board, watching.signal);
};
document.addEventListener("visibilitychange", look);
look();
