// What a run and its base predict or generate for an input, and for some rows of the evaluation data.

import { element, write } from "./elements.js";
import { fullReply, shortReply } from "./reply.js";

const EMPTY = {
  text: "Type a text, or click an example below.",
  image: "Choose an image, or click an example below.",
};

function makeForm(model, tell) {
  const form = element("form", "wb-ask");
  const label = element("label", "wb-unseen", { textContent: "Input text" });
  const field = element("textarea", "", { rows: 2, placeholder: "Type a text to try the run on" });
  field.id = label.htmlFor = `wb-ask-${model.model_id ?? Math.random().toString(36).slice(2)}`;
  const file = element("input", "", { type: "file", accept: "image/*", hidden: true });
  file.setAttribute("aria-label", "Input image");
  const ask = element("button", "wb-button wb-ask-button", { type: "submit" });
  const cancel = element("button", "wb-button", { type: "button", textContent: "Cancel", disabled: true });
  cancel.title = "Stop this prediction";
  const buttons = element("span", "wb-ask-buttons");
  buttons.append(ask, cancel);
  form.append(label, field, file, buttons);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim() && model.get("reads") === "text") tell({ act: "ask", content: field.value });
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  file.addEventListener("change", async () => {
    const [image] = file.files;
    if (image) tell({ act: "image" }, [await image.arrayBuffer()]);
    file.value = "";
  });
  cancel.addEventListener("click", () => tell({ act: "cancel" }));

  function show(asking) {
    const images = model.get("reads") === "image";
    field.hidden = label.hidden = ask.hidden = images;
    file.hidden = !images;
    cancel.disabled = !asking;
    form.classList.toggle("is-images", images);
    write(ask, model.get("verb"));
    ask.title = `${model.get("verb")} with the base model and the run (Enter)`;
  }
  return { form, field, show };
}

function column(title, kind, reply, waiting) {
  const box = element("section", `wb-answer wb-answer-${kind}`);
  box.append(element("h4", "", { textContent: title }));
  if (reply) box.append(fullReply(reply));
  else box.append(element("p", "wb-quiet", { textContent: waiting || "–" }));
  return box;
}

/** Say how many of the answered rows are right, for the base and the run. */
function score(rows, name) {
  const answered = rows.filter((row) => row[name]);
  const right = answered.filter((row) => row[name].right).length;
  return answered.length ? `${right} of ${answered.length} right` : "";
}

function makeExamples(model, tell, fill) {
  const box = element("div", "wb-examples-box");
  const top = element("div", "wb-examples-top");
  const title = element("h4", "", { textContent: "Rows of the evaluation data" });
  const button = element("button", "wb-button", { type: "button" });
  button.addEventListener("click", () => tell({ act: "examples" }));
  top.append(title, button);
  const table = element("table", "wb-asked");
  const trouble = element("p", "wb-quiet", {});
  trouble.setAttribute("role", "status");
  box.append(top, table, trouble);

  function show(rows, base, label, why) {
    box.hidden = rows.length === 0 && !why;
    write(trouble, why);
    write(button, `${model.get("verb")} these`);
    button.hidden = rows.length === 0 || rows.every((row) => row.run);
    table.hidden = rows.length === 0;
    const scored = rows.some((row) => row.scored);
    const head = element("tr", "");
    const heads = [
      ["Row", ""],
      [scored ? "Expected" : "Goes on with", ""],
      [base, scored ? score(rows, "base") : ""],
      [label, scored ? score(rows, "run") : ""],
    ];
    for (const [word, note] of heads) {
      const cell = element("th", "", { scope: "col", textContent: word });
      if (note) cell.append(element("span", "wb-note", { textContent: note }));
      head.append(cell);
    }
    const lines = rows.map((row, place) => {
      const line = element("tr", "");
      const first = element("td", "");
      const pick = element("button", "wb-example", { type: "button", title: "Use this input" });
      if (row.image) pick.append(element("img", "", { src: row.image, alt: row.question }));
      else pick.textContent = row.question;
      pick.addEventListener("click", () => fill(row, place));
      first.append(pick);
      const expected = Array.isArray(row.expected) ? row.expected.join(" ") : row.expected;
      const cells = [element("td", "")];
      cells[0].append(element("span", "wb-short", { textContent: expected }));
      for (const name of ["base", "run"]) {
        const cell = element("td", "");
        cell.append(shortReply(row[name]));
        cells.push(cell);
      }
      line.append(first, ...cells);
      return line;
    });
    const focused = table.contains(document.activeElement)
      ? [...table.querySelectorAll(".wb-example")].indexOf(document.activeElement)
      : -1;
    const [thead, tbody] = [element("thead", ""), element("tbody", "")];
    thead.append(head);
    tbody.append(...lines);
    table.replaceChildren(thead, tbody);
    if (focused >= 0) table.querySelectorAll(".wb-example")[focused]?.focus();
  }
  return { box, show };
}

export default {
  render({ model, el, signal }) {
    const tell = (message, buffers) => model.send(message, undefined, buffers);
    const top = element("div", "wb-try-top");
    const title = element("h3", "", { textContent: "Try it" });
    const picker = element("label", "wb-try-run");
    const select = element("select", "");
    select.setAttribute("aria-label", "Run to try");
    picker.append("Run ", select);
    top.append(title, picker);
    select.addEventListener("change", () => tell({ act: "choose", id: Number(select.value) }));
    const { form, field, show: showForm } = makeForm(model, tell);
    const answers = element("div", "wb-answers");
    answers.setAttribute("aria-live", "polite");
    const note = element("p", "wb-quiet wb-try-note");
    const examples = makeExamples(model, tell, (row, place) => {
      if (!row.image) {
        field.value = row.question;
        field.focus();
      }
      tell({ act: "example", place });
    });
    el.append(top, form, answers, note, examples.box);

    const label = () => model.get("runs").find(({ id }) => id === model.get("chosen"))?.label ?? "Run";

    const showRuns = () => {
      const runs = model.get("runs");
      const state = JSON.stringify(runs);
      if (select.dataset.state !== state) {
        select.dataset.state = state;
        select.replaceChildren(
          ...runs.map(({ id, label: text }) => element("option", "", { value: id, textContent: text })),
        );
      }
      select.value = String(model.get("chosen"));
      showExamples();
    };
    const showAnswer = () => {
      const answer = model.get("answer");
      const asking = answer.state === "asking";
      showForm(asking);
      const shown = asking || answer.state === "done";
      answers.classList.toggle("is-asking", asking);
      answers.replaceChildren();
      if (shown) {
        if (answer.image) answers.append(element("img", "wb-asked-image", { src: answer.image, alt: "the input image" }));
        const waiting = asking && (model.get("verb") === "Predict" ? "predicting …" : "generating …");
        answers.append(column(model.get("base_name"), "base", answer.base, waiting), column(label(), "run", answer.run, waiting));
      }
      const words = { stopped: "Cancelled.", failed: answer.note, done: answer.note };
      write(note, words[answer.state] ?? (asking ? "" : EMPTY[model.get("reads")]));
      note.classList.toggle("wb-problem", answer.state === "failed");
      note.hidden = !note.textContent;
    };
    const showExamples = () => examples.show(model.get("examples"), model.get("base_name"), label(), model.get("trouble"));

    const events = {
      "change:runs change:chosen": showRuns,
      "change:answer change:reads change:verb": showAnswer,
      "change:examples change:trouble change:base_name change:verb": showExamples,
    };
    for (const [event, show] of Object.entries(events)) {
      model.on(event, show);
      signal?.addEventListener("abort", () => model.off(event, show));
    }
    showRuns();
    showAnswer();
  },
};
