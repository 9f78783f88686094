// What every page does beside its links and forms: keys, help, and a queue that stays up to date.

import { areOn, isCommand, press, turn } from "./keys.js";

const REFRESH = 15_000; // ms between two looks at the queue
const say = (words) => {
  const news = document.getElementById("news");
  if (news && news.textContent !== words) news.textContent = words;
};

document.addEventListener("keydown", (event) => {
  if (isCommand(event) && press(event.key)) event.preventDefault();
});

const help = document.getElementById("help");
const opener = document.getElementById("help-open");
if (help && opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.key === "?" && isCommand(event)) help.showModal();
  });
  const setting = document.getElementById("keys-on");
  setting.checked = areOn();
  setting.addEventListener("change", () => turn(setting.checked));
}

const queue = () => document.getElementById("queue");
if (queue()) {
  let count = queue().dataset.count;
  setInterval(() => {
    if (!document.hidden) queue().dispatchEvent(new Event("refresh"));
  }, REFRESH);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) queue().dispatchEvent(new Event("refresh"));
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (queue().dataset.count === count) return say("");
    count = queue().dataset.count;
    say(`Cases that wait: ${count}`);
  });
}

// A part of a page that could not be had: the whole page says why.
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.body.addEventListener(failure, (event) => {
    const form = event.detail.elt.closest("form");
    if (form) form.submit();
    else say("The queue could not be brought up to date.");
  });
}
