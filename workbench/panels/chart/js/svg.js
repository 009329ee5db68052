// What painting calls on a canvas, written down as SVG.

const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

const short = (number) => Number(number.toFixed(2));
const BASELINES = { top: 0.8, middle: 0.35, bottom: -0.2, alphabetic: 0 };
const ANCHORS = { left: "start", center: "middle", right: "end" };
const STATE = {
  fillStyle: "#000",
  strokeStyle: "#000",
  lineWidth: 1,
  lineJoin: "miter",
  globalAlpha: 1,
  font: "11px sans-serif",
  textAlign: "left",
  textBaseline: "alphabetic",
  dash: [],
  shift: [0, 0],
  clipping: 0,
};

/** Takes the part of a canvas context's calls that the chart uses. */
export class SvgContext {
  constructor(measure) {
    Object.assign(this, STATE);
    this.measure = measure; // a context of a canvas, for the width of texts
    this.parts = [];
    this.clips = [];
    this.stack = [];
    this.path = "";
    this.box = null;
  }
  save() {
    this.stack.push(Object.fromEntries(Object.keys(STATE).map((name) => [name, this[name]])));
  }
  restore() {
    Object.assign(this, this.stack.pop());
  }
  translate(x, y) {
    this.shift = [this.shift[0] + x, this.shift[1] + y];
  }
  at(x, y) {
    return `${short(x + this.shift[0])} ${short(y + this.shift[1])}`;
  }
  beginPath() {
    this.path = "";
  }
  moveTo(x, y) {
    this.path += `M${this.at(x, y)}`;
  }
  lineTo(x, y) {
    this.path += `L${this.at(x, y)}`;
  }
  closePath() {
    this.path += "Z";
  }
  arc(x, y, radius) {
    const half = `A${short(radius)} ${short(radius)} 0 1 0`;
    this.path += `M${this.at(x - radius, y)}${half} ${this.at(x + radius, y)}${half} ${this.at(x - radius, y)}Z`;
  }
  rect(x, y, width, height) {
    this.path += `M${this.at(x, y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
  }
  fillRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
  }
  clip() {
    this.clips.push(`<clipPath id="clip${this.clips.length + 1}"><path d="${this.path}"/></clipPath>`);
    this.clipping = this.clips.length;
  }
  setLineDash(dash) {
    this.dash = dash;
  }
  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }
  get common() {
    const clip = this.clipping ? ` clip-path="url(#clip${this.clipping})"` : "";
    return `${this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : ""}${clip}`;
  }
  get pen() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    const join = ` stroke-linejoin="${this.lineJoin}"`;
    return ` stroke="${escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}"${join}${dash}`;
  }
  stroke() {
    this.parts.push(`<path d="${this.path}" fill="none"${this.pen}${this.common}/>`);
  }
  fill() {
    this.parts.push(`<path d="${this.path}" fill="${escaped(this.fillStyle)}"${this.common}/>`);
  }
  text(text, x, y, paint) {
    const [, weight, size, family] = this.font.match(/^(\w+ )?([\d.]+)px (.*)$/);
    const [left, base] = [x + this.shift[0], y + this.shift[1] + BASELINES[this.textBaseline] * size];
    const font = `font-family="${escaped(family)}" font-size="${size}"${weight ? ` font-weight="${weight.trim()}"` : ""}`;
    const place = `x="${short(left)}" y="${short(base)}" text-anchor="${ANCHORS[this.textAlign]}"`;
    this.parts.push(`<text ${place} ${font}${paint}${this.common}>${escaped(text)}</text>`);
  }
  fillText(text, x, y) {
    this.text(text, x, y, ` fill="${escaped(this.fillStyle)}"`);
  }
  strokeText(text, x, y) {
    this.text(text, x, y, ` fill="none"${this.pen}`);
  }
  finish(width, height) {
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const clips = this.clips.length ? `<defs>${this.clips.join("")}</defs>` : "";
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${clips}${this.parts.join("\n")}</svg>\n`;
  }
}
