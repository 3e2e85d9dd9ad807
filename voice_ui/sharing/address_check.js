// Runs before everything else on a page that came through a proxy. A wrong header would break the page without a word.
(() => {
  const told = TOLD; // the address as the proxy told it, filled in by answer.py
  const problems = [];
  if (location.host !== told.host)
    problems.push(
      `The page was opened at “${location.host}”, but the proxy passed on “Host: ${told.host}”. ` +
        "The proxy must keep the Host header, with its port (nginx: proxy_set_header Host $http_host;)."
    );
  else if (location.origin !== told.origin)
    problems.push(
      `The page was opened over ${location.protocol.slice(0, -1)}, but the proxy reported a different scheme. ` +
        `It must send “X-Forwarded-Proto: ${location.protocol.slice(0, -1)}”.`
    );
  if (location.pathname.replace(/\/+$/, "") !== told.path.replace(/\/+$/, ""))
    problems.push(
      `The page was opened at the path “${location.pathname}”, but the proxy passed on “${told.path}”. ` +
        "A proxy that serves the page on a sub-path must send that path as X-Forwarded-Prefix."
    );
  if (problems.length === 0) return;
  document.addEventListener("DOMContentLoaded", () => {
    const main = document.createElement("main");
    main.dataset.testid = "proxy-problem";
    main.style.cssText = "max-width: 40rem; margin: 4rem auto; padding: 0 1.25rem; font: 1rem/1.5 system-ui, sans-serif";
    const title = document.createElement("h1");
    title.textContent = "The proxy in front of this page needs another setting";
    main.append(title);
    for (const problem of problems) {
      const paragraph = document.createElement("p");
      paragraph.textContent = problem;
      main.append(paragraph);
    }
    document.body.replaceChildren(main);
  });
})();
