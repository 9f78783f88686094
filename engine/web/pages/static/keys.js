// Keys: what carries data-key is pressed by that key, unless somebody is writing.

const SETTING = "tenprint-keys";
const WRITING = "input:not([type=radio]):not([type=checkbox]):not([type=range]), textarea, select";

// Whether single keys are shortcuts; a print that has the focus takes them anyway.
export const areOn = () => localStorage.getItem(SETTING) !== "off";
export const turn = (on) => localStorage.setItem(SETTING, on ? "on" : "off");

// Whether a key that was pressed is a command.
export function isCommand(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.target.closest(WRITING) || document.querySelector("dialog[open]")) return false;
  return areOn() || Boolean(event.target.closest("canvas"));
}

// Presses what a key stands for; whether there was something.
export function press(key) {
  const found = [...document.querySelectorAll("[data-key]")].find(
    (each) => each.dataset.key === key && !each.disabled && each.checkVisibility(),
  );
  if (!found) return false;
  if (found.type === "radio") found.focus();
  found.click();
  return true;
}
