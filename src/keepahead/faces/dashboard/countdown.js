// A moment, as the time to it or since it, counted here: nothing is sent while it runs.
// `at` and `sent` are milliseconds by the gateway's clock; this machine's may differ.
const words = (seconds) => {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`;
};
let ahead = -Infinity; // by how much the gateway's clock is; what was delivered late would have it too low

export default {
  template: '<time :datetime="iso" :title="utc">{{ text }}</time>',
  props: { at: Number, sent: Number, due: String },
  data: () => ({ text: "" }),
  computed: {
    iso() {
      return new Date(this.at).toISOString();
    },
    utc() {
      return `${this.iso.slice(0, 19).replace("T", " ")} UTC`;
    },
  },
  watch: {
    at: "show",
    sent: "show",
  },
  created() {
    this.show();
  },
  mounted() {
    this.timer = setInterval(() => this.tick(), 1000);
  },
  unmounted() {
    clearInterval(this.timer);
  },
  methods: {
    show() {
      ahead = Math.max(ahead, this.sent - Date.now());
      this.tick();
    },
    tick() {
      const seconds = (this.at - ahead - Date.now()) / 1000;
      if (this.due) this.text = seconds > 0.5 ? `in ${words(Math.ceil(seconds))}` : this.due;
      else this.text = seconds < -1 ? `${words(-seconds)} ago` : "just now";
    },
  },
};
