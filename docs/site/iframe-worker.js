// Browsers start no workers for pages from disk: there, the site's search runs in a frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      this.loaded = new Promise(resolve => { this.frame.onload = resolve })
      this.frame.srcdoc =
        `<script>self.postMessage = data => parent.postMessage(data, "*")</script>` +
        `<script src="${url}"></script>`
      document.body.append(this.frame)
      addEventListener("message", event => {
        if (event.source === this.frame.contentWindow) {
          this.dispatchEvent(new MessageEvent("message", { data: event.data }))
        }
      })
    }

    async postMessage(data) {
      await this.loaded
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }))
    }

    terminate() {
      this.frame.remove()
    }
  }
}
