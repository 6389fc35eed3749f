// Draws the charts from the data embedded in the page, and links their time axes.
// No request ever leaves the page: its content security policy forbids them.
(() => {
  "use strict";

  const DAY = 86400000;
  const SHORTEST = 14 * DAY;
  const COARSEST = 4;
  const page = JSON.parse(document.getElementById("hc-data").textContent);
  for (const columns of Object.values(page.data)) {
    for (const key of Object.keys(columns)) columns[key] = unpacked(columns[key]);
  }
  const [first, last] = page.extent.map((seconds) => seconds * 1000);
  const shown = { from: page.window[0] * 1000, to: page.window[1] * 1000 };
  const initial = { ...shown };
  const charts = new Map();
  let cursor = null;
  let queued = false;

  // a chart moves with the others, shows a window of its own, or runs along something else than time
  function windowOf(chart) {
    return chart.window ? { from: chart.window[0] * 1000, to: chart.window[1] * 1000 } : shown;
  }

  // ---- words and numbers ------------------------------------------------------------------

  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

  function dayName(ms) {
    const day = new Date(ms);
    return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
  }

  function significant(value, digits) {
    const size = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
    const places = Math.min(Math.max(digits - 1 - size, 0), 9);
    return value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  }

  // a value as a chart's format says; formats come from the page's data
  function formatted(value, format) {
    const [step, prefix] = format.prefixes.find(([step]) => Math.abs(value) >= step) ?? [1, ""];
    const size = (value * format.scale) / step;
    const number = format.decimals === null
      ? significant(size, size >= 1000 ? format.digits_from_1000 : format.digits)
      : size.toFixed(format.decimals).replace("-", "\u2212");
    const unit = format.prefixes.length ? ` ${prefix}${format.after}`.trimEnd() : format.after;
    return `${format.signed && value > 0 ? "+" : ""}${format.before}${number}${unit}`;
  }

  // ---- data -------------------------------------------------------------------------------

  // a column, or what html.py packed one into: even steps, runs of one word
  function unpacked(column) {
    if (column.runs) return column.runs.flatMap(([word, rows]) => Array(rows).fill(word));
    if (column.rows) return Array.from({ length: column.rows }, (_, row) => column.first + row * column.step);
    return column;
  }

  function rowsOf(name, keys) {
    const columns = page.data[name];
    const size = Math.max(...Object.values(columns).map((column) => column.length));
    return Array.from({ length: size }, (_, index) => {
      const row = columns.time.length ? { time: columns.time[index] * 1000 } : {};
      for (const key of keys) {
        if (key !== "time") row[key] = columns[key][index];
        if (key === "end") row.end *= 1000;
      }
      return row;
    });
  }

  // The coarsest level at which each row is drawn: at level n, of every 2 ** (n + 1) days those with
  // the lowest and the highest value, which is all that one or two pixels can show.
  function withLevels(rows, key) {
    for (const row of rows) row.level = row[key] === null ? COARSEST : 0;
    for (let level = 1; level <= COARSEST; level += 1) {
      const size = 2 ** (level + 1);
      for (let start = 0; start < rows.length; start += size) {
        const known = rows.slice(start, start + size).filter((row) => row[key] !== null);
        if (!known.length) continue;
        known.reduce((a, b) => (b[key] < a[key] ? b : a)).level = level;
        known.reduce((a, b) => (b[key] > a[key] ? b : a)).level = level;
      }
    }
    return rows;
  }

  function levelFor(chart) {
    const { from, to } = windowOf(chart);
    const days = (to - from) / DAY;
    const width = chart.plot.clientWidth || 600;
    return Math.min(Math.max(Math.floor(Math.log2(days / width)), 0), COARSEST);
  }

  // the last of ascending values that is no more than a value
  function nearest(values, value) {
    let low = 0;
    let high = values.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (values[middle] <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function csvOf(name) {
    const chart = page.charts[name];
    const columns = page.data[chart.dataset];
    const moment = (seconds) => {
      const text = new Date(seconds * 1000).toISOString();
      return chart.dataset === "day" ? text.slice(0, 10) : text.replace(".000", "");
    };
    const keys = chart.columns;
    const named = keys.map((key) => page.headers[chart.dataset][key]);
    if (chart.along) return sheet(named, columns[keys[0]].map((_, index) => keys.map((key) => cell(columns[key][index]))));
    const head = [chart.dataset === "day" ? "day" : "time", ...named];
    const lines = columns.time.map((seconds, index) => [
      moment(seconds),
      ...keys.map((key) => (key === "end" ? moment(columns.end[index]) : cell(columns[key][index]))),
    ]);
    return sheet(head, lines);
  }

  function sheet(head, lines) {
    if (page.simulated) {
      head.push("simulated");
      lines.forEach((line) => line.push("true"));
    }
    return [head, ...lines].map((line) => line.join(",")).join("\n") + "\n";
  }

  function download(name) {
    const link = document.createElement("a");
    const url = URL.createObjectURL(new Blob([csvOf(name)], { type: "text/csv;charset=utf-8" }));
    link.href = url;
    link.download = `hashcanary-${page.simulated ? "SIMULATED-" : ""}${name}.csv`;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  // ---- drawing ----------------------------------------------------------------------------

  function withScale(spec, kind) {
    for (const layer of spec.layer) {
      for (const channel of Object.values(layer.encoding)) {
        const scale = channel.scale;
        if (scale && (scale.type === "log" || scale.type === "linear")) {
          scale.type = kind;
          if (kind === "linear") scale.zero = true;
          else delete scale.zero;
        }
      }
    }
    return spec;
  }

  async function draw(chart) {
    const spec = structuredClone(chart.spec);
    if (chart.toggles) withScale(spec, chart.scale);
    const { from, to } = windowOf(chart);
    spec.params = [
      { name: "from", value: from }, { name: "to", value: to },
      { name: "level", value: levelFor(chart) },
    ];
    spec.datasets = {};
    for (const name of chart.datasets) {
      const keys = name === chart.dataset ? chart.columns : Object.keys(page.data[name]);
      const rows = rowsOf(name, keys);
      spec.datasets[name] = name === "day" ? withLevels(rows, chart.columns[0]) : rows;
    }
    if (chart.result) chart.result.finalize();
    chart.result = await vegaEmbed(chart.plot, spec, {
      mode: "vega-lite", renderer: "svg", actions: false, ast: true, config: page.config,
      defaultStyle: false,
      // errors only: Vega warns when no halving or no signal lies in the window, which is no fault
      logLevel: 1,
    });
    chart.view = chart.result.view;
    chart.drawn = { from, to };
    chart.figure.dataset.drawn = chart.scale;
    chart.plot.append(chart.rule);
    place(chart);
  }

  async function follow(chart) {
    if (!chart.view || chart.busy || !chart.visible || chart.along) return;
    for (let wanted = windowOf(chart); chart.drawn.from !== wanted.from || chart.drawn.to !== wanted.to; wanted = windowOf(chart)) {
      chart.busy = true;
      chart.drawn = { from: wanted.from, to: wanted.to };
      await chart.view.signal("from", wanted.from).signal("to", wanted.to).signal("level", levelFor(chart)).runAsync();
      chart.busy = false;
    }
    place(chart);
  }

  function refresh() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      for (const chart of charts.values()) follow(chart);
      const range = document.getElementById("hc-range");
      range.textContent = `${dayName(shown.from)} \u2013 ${dayName(shown.to - 1)}`;
      for (const button of document.querySelectorAll("[data-range]")) {
        button.setAttribute("aria-pressed", String(isRange(button.dataset.range)));
      }
    });
  }

  // ---- the window -------------------------------------------------------------------------

  function show(from, to) {
    const length = Math.min(Math.max(to - from, SHORTEST), last - first);
    if (length !== to - from) {
      const middle = (from + to) / 2;
      from = middle - length / 2;
    }
    from = Math.min(Math.max(from, first), last - length);
    shown.from = Math.round(from);
    shown.to = Math.round(from + length);
    refresh();
  }

  function rangeStart(range) {
    if (range === "all") return first;
    return Math.max(first, last - Number(range) * 365.25 * DAY);
  }

  function isRange(range) {
    return shown.to === Math.round(last) && Math.abs(shown.from - rangeStart(range)) < DAY;
  }

  function zoom(factor, at) {
    const centre = at ?? (shown.from + shown.to) / 2;
    const from = centre - (centre - shown.from) * factor;
    show(from, from + Math.min((shown.to - shown.from) * factor, last - first));
  }

  function pan(ms) {
    show(shown.from + ms, shown.to + ms);
  }

  // ---- the cursor: one day, read off on every chart -------------------------------------------

  function place(chart) {
    if (chart.along) {
      placeAlong(chart);
      return;
    }
    const columns = page.data[chart.dataset];
    const times = columns.time;
    if (!times.length) return;
    // without a cursor: the latest day on which the chart's main line has a value
    const cursor = cursorOf(chart);
    const { from, to } = windowOf(chart);
    let index = nearest(times, (cursor ?? last - 1) / 1000);
    const main = columns[chart.columns[0]];
    const unknown = (row) => main[row] === null || columns.kind?.[row] === "ahead";
    const newest = index;
    while (cursor === null && index > 0 && unknown(index)) index -= 1;
    if (cursor === null && unknown(index)) index = newest;
    const moment = times[index] * 1000;
    chart.when.textContent = cursor === null ? `latest: ${dayName(moment)}` : dayName(moment);
    for (const [column, output, form] of chart.outputs) {
      const value = columns[column][index];
      output.textContent = value === null ? "\u2013" : form(value);
    }
    const inside = cursor !== null && chart.view && moment >= from && moment <= to;
    rule(chart, inside ? ((moment - from) / (to - from)) * chart.view.width() : null);
  }

  // the rule at a place of the plot, in pixels; none at null
  function rule(chart, along) {
    chart.rule.hidden = along === null;
    if (along === null) return;
    const [x, y] = chart.view.origin();
    chart.rule.style.left = `${x + along}px`;
    chart.rule.style.top = `${y}px`;
    chart.rule.style.height = `${chart.view.height()}px`;
  }

  // a chart that does not run along time: without a cursor it is read off where the present is
  function placeAlong(chart) {
    const { column, unit, here } = chart.along;
    const columns = page.data[chart.dataset];
    const values = columns[column];
    if (!values.length) return;
    const wanted = chart.cursor ?? here ?? values[0];
    const before = nearest(values, wanted);
    const after = Math.min(before + 1, values.length - 1);
    const index = wanted - values[before] > values[after] - wanted ? after : before;
    chart.when.textContent = `${chart.cursor === null ? "now: " : ""}${significant(values[index], 4)} ${unit}`;
    for (const [name, output, form] of chart.outputs) output.textContent = form(columns[name][index]);
    rule(chart, chart.cursor === null || !chart.view ? null : chart.view.scale("x")(values[index]));
  }

  function cursorOf(chart) {
    return chart.window ? chart.cursor : cursor;
  }

  // the cursor of one chart that does not move with the others
  function pointOwn(chart, ms) {
    chart.cursor = ms;
    place(chart);
  }

  function point(ms) {
    cursor = ms === null ? null : Math.min(Math.max(ms, first), last - 1);
    for (const chart of charts.values()) if (chart.visible) place(chart);
  }

  function timeAt(chart, clientX) {
    const left = chart.plot.getBoundingClientRect().left + chart.view.origin()[0];
    if (chart.along) return chart.view.scale("x").invert(clientX - left);
    const { from, to } = windowOf(chart);
    return from + ((clientX - left) / chart.view.width()) * (to - from);
  }

  function listenOwn(chart) {
    const values = chart.along ? page.data[chart.dataset][chart.along.column] : null;
    const { from, to } = values ? { from: values[0], to: values[values.length - 1] } : windowOf(chart);
    chart.plot.addEventListener("pointermove", (event) => {
      if (chart.view) pointOwn(chart, Math.min(Math.max(timeAt(chart, event.clientX), from), to));
    });
    chart.plot.addEventListener("pointerleave", () => pointOwn(chart, null));
    chart.plot.addEventListener("keydown", (event) => {
      const step = (to - from) / (event.shiftKey ? 10 : 100);
      const start = chart.cursor ?? (chart.along ? chart.along.here : last);
      const moved = { ArrowLeft: start - step, ArrowRight: start + step, Escape: null }[event.key];
      if (moved === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      pointOwn(chart, moved === null ? null : Math.min(Math.max(moved, from), to));
    });
  }

  function listen(chart) {
    const plot = chart.plot;
    const held = new Map();
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !chart.view) return;
      plot.setPointerCapture(event.pointerId);
      held.set(event.pointerId, event.clientX);
    });
    plot.addEventListener("pointermove", (event) => {
      if (!chart.view) return;
      if (!held.has(event.pointerId)) {
        point(timeAt(chart, event.clientX));
        return;
      }
      const perPixel = (shown.to - shown.from) / chart.view.width();
      if (held.size === 1) {
        pan((held.get(event.pointerId) - event.clientX) * perPixel);
        held.set(event.pointerId, event.clientX);
        plot.classList.add("dragged");
        return;
      }
      const before = [...held.values()];
      held.set(event.pointerId, event.clientX);
      const after = [...held.values()];
      const spread = Math.abs(after[0] - after[1]);
      if (spread > 8) zoom(Math.abs(before[0] - before[1]) / spread, timeAt(chart, (after[0] + after[1]) / 2));
    });
    const release = (event) => {
      held.delete(event.pointerId);
      plot.classList.remove("dragged");
      if (event.pointerType !== "mouse") point(timeAt(chart, event.clientX));
    };
    plot.addEventListener("pointerup", release);
    plot.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") point(null);
    });
    plot.addEventListener("dblclick", (event) => zoom(0.5, timeAt(chart, event.clientX)));
    plot.addEventListener("wheel", (event) => {
      if (!chart.view) return;
      if (event.ctrlKey || event.metaKey || event.shiftKey) {
        event.preventDefault();
        const turn = event.deltaY || event.deltaX;
        zoom(Math.exp(Math.sign(turn) * Math.min(Math.abs(turn), 60) * 0.004), timeAt(chart, event.clientX));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        pan((event.deltaX * (shown.to - shown.from)) / chart.view.width());
      }
    }, { passive: false });
    plot.addEventListener("keydown", (event) => {
      const length = shown.to - shown.from;
      const step = event.shiftKey ? 30 * DAY : DAY;
      const start = cursor ?? shown.to - DAY;
      const keys = {
        ArrowLeft: () => point(start - step),
        ArrowRight: () => point(start + step),
        PageUp: () => pan(-length / 2),
        PageDown: () => pan(length / 2),
        Home: () => show(first, first + length),
        End: () => show(last - length, last),
        Escape: () => point(null),
        "+": () => zoom(0.5, cursor),
        "=": () => zoom(0.5, cursor),
        "-": () => zoom(2, cursor),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  // ---- setting up ---------------------------------------------------------------------------

  function prepare(figure) {
    const name = figure.dataset.chart;
    const chart = {
      ...page.charts[name], name, figure,
      plot: figure.querySelector(".plot"),
      when: figure.querySelector(".when"),
      rule: document.createElement("div"),
      visible: true,
      cursor: null,
    };
    chart.rule.className = "rule";
    chart.rule.hidden = true;
    chart.outputs = [...figure.querySelectorAll("output")].map((output) => [
      output.dataset.column, output, (value) => formatted(value, chart.format),
    ]);
    for (const button of figure.querySelectorAll("[data-scale]")) {
      button.addEventListener("click", async () => {
        chart.scale = button.dataset.scale;
        for (const other of figure.querySelectorAll("[data-scale]")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
        await draw(chart);
      });
    }
    figure.querySelector("[data-csv]").addEventListener("click", () => download(name));
    (chart.window || chart.along ? listenOwn : listen)(chart);
    charts.set(name, chart);
    return chart;
  }

  async function start() {
    for (const figure of document.querySelectorAll("[data-chart]")) prepare(figure);
    for (const button of document.querySelectorAll("[data-range]")) {
      button.addEventListener("click", () => show(rangeStart(button.dataset.range), last));
    }
    const steps = {
      in: () => zoom(0.5), out: () => zoom(2), reset: () => show(initial.from, initial.to),
      earlier: () => pan((shown.from - shown.to) / 2), later: () => pan((shown.to - shown.from) / 2),
    };
    for (const button of document.querySelectorAll("[data-step]")) {
      button.addEventListener("click", steps[button.dataset.step]);
    }
    refresh();
    for (const chart of charts.values()) await draw(chart);
    // charts out of sight wait until they are seen
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const chart = charts.get(entry.target.dataset.chart);
        chart.visible = entry.isIntersecting;
        if (chart.visible) follow(chart);
      }
    }, { rootMargin: "200px" });
    for (const chart of charts.values()) seen.observe(chart.figure);
    window.addEventListener("resize", () => requestAnimationFrame(() => point(cursor)));
    window.addEventListener("beforeprint", () => {
      for (const chart of charts.values()) chart.visible = true;
      for (const chart of charts.values()) follow(chart);
    });
    document.documentElement.dataset.ready = "true";
  }

  // what a console, or a test, may ask of the page
  window.hashcanary = { csvOf, show, shown, charts };
  start();
})();
