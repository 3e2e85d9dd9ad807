// A part of the page that Vue renders by itself: a change inside costs this part, not the whole panel.
// NOTE: its other half is block.py.
export default { props: { tag: { type: String, default: "div" } }, template: `<component :is="tag"><slot /></component>` };
