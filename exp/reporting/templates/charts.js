"use strict";
// Draws every .chart of the page from the JSON in #chart-data with uPlot. Names come in as text and stay text.
(() => {
  const holder = document.getElementById("chart-data");
  if (!holder) return;
  const data = JSON.parse(holder.textContent);
  const root = document.documentElement;
  const HEIGHTS = { screen: [190, 130], print: [84, 56] };
  const WIDTHS = { event: 400, like: 290 }; // of the columns of a printed page
  const LOOK = {
    OA_TEMP: ["blue"], MA_TEMP: ["violet"], RA_TEMP: ["orange"], SA_TEMP: ["green"], mixed_expected: ["ink", [4, 3]],
    SA_TEMPSPT: ["grey", [5, 3]], SA_TEMPSPT_CLG: ["grey", [5, 3]], SA_TEMPSPT_HTG: ["grey", [2, 3]],
    OA_DMPR_DM: ["ink"], OA_DMPR: ["sky"], CHWC_VLV_DM: ["blue"], CHWC_VLV: ["sky", [5, 3]], HWC_VLV_DM: ["red"],
    fraction_expected: ["orange", [4, 3]], fraction_measured: ["violet"], coil_change: ["green"],
    set_point_error: ["orange"], SF_CS: ["ink"], SF_SPD: ["sky"],
  };
  const OTHERS = ["blue", "orange", "green", "violet", "sky", "red"];
  const TIMES = [
    [86400 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
    [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
    [3600, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
    [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  ];
  const tzDate = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"); // the file's own clock
  const moment = uPlot.fmtDate("{YYYY}-{MM}-{DD} {HH}:{mm}");
  const shown = (value) => (value == null ? "\u2013" : String(value));

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function limits(panels) {
    const values = panels.flatMap((panel) => panel.lines.flatMap((line) => line.v)).filter((v) => v != null);
    const low = Math.min(...values), high = Math.max(...values), room = (high - low || Math.abs(high) || 1) * 0.06;
    return values.length ? [low - room, high + room] : [0, 1];
  }

  class Chart {
    constructor(box) {
      const [event, part] = box.dataset.chart.split(":");
      Object.assign(this, { box, part, own: data[event][part], plots: [], at: null, sharing: false });
      const { start, step, panels } = this.own;
      this.x = panels[0].lines[0].v.map((_, n) => start + n * step);
      this.whole = [this.x[0], this.x[this.x.length - 1] + step];
      const both = [data[event].event, data[event].like].filter(Boolean);
      this.limits = panels.map((_, n) => limits(both.map((chart) => chart.panels[n])));
      this.range = this.whole;
      this.controls();
      this.stage = box.appendChild(document.createElement("div"));
      box.addEventListener("keydown", (pressed) => this.key(pressed));
      this.build();
      new ResizeObserver(() => this.fit()).observe(box);
    }

    controls() {
      const bar = document.createElement("div");
      bar.className = "chart-keys";
      const buttons = [["+", "zoom in", () => this.zoom(0.5)], ["\u2212", "zoom out", () => this.zoom(2)],
        ["whole", "show the whole time", () => this.show(this.whole)]];
      for (const [text, title, act] of buttons) {
        const button = bar.appendChild(document.createElement("button"));
        Object.assign(button, { type: "button", textContent: text, title, onclick: act });
        button.setAttribute("aria-label", title);
      }
      this.readout = bar.appendChild(document.createElement("p"));
      this.readout.className = "readout";
      this.spoken = bar.appendChild(document.createElement("p"));
      this.spoken.className = "sr-only";
      this.spoken.setAttribute("aria-live", "polite");
      this.box.before(bar);
    }

    width() {
      return "print" in root.dataset ? WIDTHS[this.part] : Math.max(200, this.box.clientWidth);
    }

    height(number) {
      return HEIGHTS["print" in root.dataset ? "print" : "screen"][number ? 1 : 0];
    }

    build() {
      this.plots.forEach((plot) => plot.destroy());
      this.stage.replaceChildren();
      this.plots = this.own.panels.map((panel, number) => {
        const title = this.stage.appendChild(document.createElement("p"));
        title.className = "panel-unit";
        title.textContent = panel.unit;
        const values = [this.x, ...panel.lines.map((line) => line.v)];
        return new uPlot(this.options(panel, number), values, this.stage);
      });
      this.show(this.range);
    }

    options(panel, number) {
      const grid = { stroke: colour("--line"), width: 1 }, stroke = colour("--muted");
      const paper = "print" in root.dataset, font = `${paper ? 8.5 : 11}px system-ui, sans-serif`;
      const axis = { stroke, font, grid, ticks: { ...grid, size: 4 } };
      const last = number === this.own.panels.length - 1;
      let other = 0;
      const series = panel.lines.map(({ role, label }) => {
        const [name, dash] = LOOK[role] || [OTHERS[other++ % OTHERS.length]];
        return { label, stroke: colour(`--${name}-line`), width: 1.4, dash, points: { show: false }, value: (_, v) => shown(v) };
      });
      return {
        width: this.width(), height: this.height(number) + (last ? 22 : 0), tzDate, padding: [6, 20, 0, 0],
        series: [{ label: "time" }, ...series],
        scales: { x: { time: true }, y: { range: () => this.limits[number] } },
        axes: [{ ...axis, values: TIMES, size: last ? (paper ? 30 : 38) : 8, space: paper ? 50 : 70, show: true, ...(last ? {} : { values: (_, splits) => splits.map(() => null) }) },
          { ...axis, size: paper ? 34 : 46, space: paper ? 18 : 24 }],
        cursor: { y: false, drag: { x: true, y: false }, points: { size: 6 } },
        hooks: {
          drawClear: [(plot) => this.shade(plot)],
          setScale: [(plot, key) => key === "x" && this.share(plot)],
          setCursor: [(plot) => this.follow(plot)],
        },
      };
    }

    shade({ ctx, bbox, valToPos }) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.fillStyle = colour("--shade");
      for (const [from, to] of this.own.marked) {
        const left = valToPos(from, "x", true), right = valToPos(to, "x", true);
        ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
      }
      ctx.restore();
    }

    share(plot) { // a zoom of one panel is one of all
      if (this.sharing || plot.scales.x.min == null) return;
      const range = [plot.scales.x.min, plot.scales.x.max];
      if (range[0] === this.range[0] && range[1] === this.range[1]) return;
      const reset = range[0] <= this.whole[0] && range[1] >= this.x[this.x.length - 1];
      this.show(reset ? this.whole : range);
    }

    show([min, max]) {
      this.range = [min, max];
      this.sharing = true;
      for (const plot of this.plots) plot.batch(() => plot.setScale("x", { min, max }));
      queueMicrotask(() => { this.sharing = false; });
    }

    zoom(factor) {
      const middle = this.at == null ? (this.range[0] + this.range[1]) / 2 : this.x[this.at];
      const most = this.whole[1] - this.whole[0];
      const width = Math.min(most, Math.max((this.range[1] - this.range[0]) * factor, 6 * this.own.step));
      const from = Math.min(Math.max(middle - width / 2, this.whole[0]), this.whole[1] - width);
      this.show([from, from + width]);
      this.point();
    }

    follow(plot) { // the pointer is over one panel; the others and the words go along
      if (this.moving || plot.cursor.idx == null) return;
      this.at = plot.cursor.idx;
      this.point(plot);
    }

    point(except) {
      if (this.at == null) return;
      this.moving = true;
      for (const plot of this.plots) {
        if (plot !== except) plot.setCursor({ left: plot.valToPos(this.x[this.at], "x"), top: 0 });
      }
      this.moving = false;
      this.readout.textContent = moment(tzDate(this.x[this.at]));
    }

    key(pressed) {
      const last = this.x.length - 1, far = pressed.shiftKey ? 10 : 1;
      const from = this.at ?? this.x.findIndex((x) => x >= this.range[0]);
      const moves = { ArrowLeft: from - far, ArrowRight: this.at == null ? from : from + far, Home: 0, End: last };
      if (pressed.key in moves) this.move(Math.min(last, Math.max(0, moves[pressed.key])));
      else if (pressed.key === "+" || pressed.key === "=") this.zoom(0.5);
      else if (pressed.key === "-") this.zoom(2);
      else if (pressed.key === "Escape") this.show(this.whole);
      else return;
      pressed.preventDefault();
    }

    move(place) {
      this.at = place;
      const [min, max] = this.range, x = this.x[place], width = max - min;
      if (x < min || x > max) {
        const from = Math.min(Math.max(x - width / 2, this.whole[0]), this.whole[1] - width);
        this.show([from, from + width]);
      }
      this.point();
      const said = this.own.panels.flatMap(({ unit, lines }) =>
        lines.map(({ label, v }) => `${label} ${shown(v[place])} ${unit}`));
      this.spoken.textContent = `${this.readout.textContent}: ${said.join("; ")}`;
    }

    fit() {
      const width = this.width();
      if (this.plots.length && this.plots[0].width !== width) {
        this.plots.forEach((plot, number) => plot.setSize({ width, height: plot.height }));
      }
    }
  }

  const AT_ONCE = 4;
  const boxes = [...document.querySelectorAll(".chart")].filter((box) => {
    const [event, part] = box.dataset.chart.split(":");
    return data[event]?.[part]?.panels.length;
  });
  const start = (box) => { box.chart ||= new Chart(box); };
  const near = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (isIntersecting) { near.unobserve(target); start(target); }
    }
  }, { rootMargin: "800px" });
  boxes.slice(0, AT_ONCE).forEach(start);
  for (const box of boxes.slice(AT_ONCE)) { // the rest as one comes near, by scrolling or by the keyboard
    near.observe(box);
    box.addEventListener("focus", () => start(box), { once: true });
  }

  const again = () => boxes.forEach((box) => box.chart?.build());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("beforeprint", () => {
    root.dataset.print = "";
    boxes.filter((box) => !box.closest(".screen-only")).forEach(start);
    again();
  });
  addEventListener("afterprint", () => { delete root.dataset.print; again(); });
})();
