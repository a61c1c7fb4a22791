(function (origin, isPortal, path) {
  "use strict";
  var LONGEST = 16384;
  function text(value) {
    return typeof value === "string" && value.length <= 1024;
  }
  function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }
  function read(said) {
    if (!isObject(said) || typeof said.event_type !== "string" || !/^[A-Z][A-Z0-9_]{0,63}$/.test(said.event_type)) {
      return null;
    }
    var event = { event_type: said.event_type };
    ["object", "organization_id", "message"].forEach(function (name) {
      if (text(said[name])) event[name] = said[name];
    });
    if (isObject(said.data)) event.data = said.data;
    return event;
  }
  window.addEventListener("message", function (message) {
    if (message.origin !== origin || !isPortal(message.source)) return;
    var event = read(message.data);
    if (!event) return;
    var body;
    try { body = JSON.stringify(event); } catch (_) { return; }
    if (body.length > LONGEST) return;
    document.dispatchEvent(new CustomEvent("scalekit-portal", { detail: JSON.parse(body) }));
    if (!path) return;
    fetch(path, {
      method: "POST", mode: "same-origin", credentials: "same-origin", redirect: "error",
      headers: { "content-type": "application/json" }, body: body
    }).catch(function () {});
  });
})
