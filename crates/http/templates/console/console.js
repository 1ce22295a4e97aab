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

// What a form was answered with is loaded once more from the page's own address: that sends nothing.
const { again } = document.getElementById("main").dataset;
if (again) history.replaceState(null, "", again);

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

// A dashboard is sent again and again. Whoever reads a table of it or has the keyboard in it is not disturbed, and whoever wants it to stand still says so.
let stream;
const watch = (board) => {
  stream = new EventSource(board.dataset.live);
  // The browser comes again by itself but for what it was refused.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) board.querySelector(".as-of").textContent += ", and no longer live";
  });
  stream.addEventListener("board", (event) => {
    const shown = board.querySelector(".live");
    if (board.classList.contains("paused") || shown.contains(document.activeElement)) return;
    const sent = document.createRange().createContextualFragment(event.data);
    const next = sent.querySelector(".live");
    for (const table of shown.querySelectorAll("details[open][id]")) next.querySelector(`#${table.id}`)?.setAttribute("open", "");
    shown.replaceWith(next);
    board.querySelector(".as-of").textContent = sent.querySelector(".as-of").textContent;
  });
};
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
  stream?.close();
  if (!document.hidden && !board.classList.contains("paused")) watch(board);
};
document.addEventListener("visibilitychange", look);
look();
