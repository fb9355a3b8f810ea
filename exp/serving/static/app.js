"use strict";

// A page that waits asks how far things are, and goes on when they are done.
const running = document.getElementById("running");
async function look() {
  try {
    const state = await (await fetch(running.dataset.state)).json();
    if (!state.active) {
      location.replace(running.dataset.next);
      return;
    }
    const lines = document.getElementById("lines");
    document.getElementById("since").textContent =
      state.seconds === null ? "Waiting for another to end" : `Since ${state.seconds} s`;
    lines.textContent = state.lines.join("\n");
    lines.hidden = !state.lines.length;
  } catch {
    document.getElementById("since").textContent = "The server does not answer";
  }
  setTimeout(look, 700);
}
if (running) look();

// What was chosen or dropped is shown, and refused before it is sent where it is too much.
const files = document.getElementById("files");
if (files) {
  const box = files.closest(".drop");
  files.addEventListener("change", () => {
    const chosen = [...files.files];
    const shown = chosen.slice(0, 20).map((file) => `${file.name}, ${Math.max(1, Math.round(file.size / 1000))} kB`);
    if (chosen.length > 20) shown.push(`and ${chosen.length - 20} more`);
    document.getElementById("chosen").textContent = shown.join("\n");
    const size = chosen.reduce((sum, file) => sum + file.size, 0);
    const large = size > Number(files.form.dataset.largest);
    document.getElementById("too-large").hidden = !large;
    files.form.querySelector("button").disabled = large;
  });
  for (const name of ["dragenter", "dragover"]) box.addEventListener(name, () => box.classList.add("over"));
  for (const name of ["dragleave", "drop"]) box.addEventListener(name, () => box.classList.remove("over"));
}

// What a point reads stands beside it, also when another is chosen.
for (const point of document.querySelectorAll(".map select[name^='point-']")) {
  point.addEventListener("change", () => {
    const line = point.closest("[role='row']");
    line.querySelector(".reads").textContent = point.selectedOptions[0].dataset.reads;
    line.classList.toggle("open", !point.value);
    line.classList.remove("doubt");
  });
}

for (const button of document.querySelectorAll("button[data-confirm]")) {
  button.addEventListener("click", (event) => {
    if (!confirm(button.dataset.confirm)) event.preventDefault();
  });
}
