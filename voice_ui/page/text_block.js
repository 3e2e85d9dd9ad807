// A part of a long text that Vue renders by itself: a word that is added costs this part, not the page.
// NOTE: its other half is running_text.py.
export default { template: "<span><slot /></span>" };
