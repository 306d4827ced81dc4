// Node's fetch as a client under test: node fetch.mjs METHOD URL. Exits 0 for a 2xx, 22 for another status, 1 for an error.
const [method, url] = process.argv.slice(2);
try {
  const answer = await fetch(url, { method, body: method === "POST" ? '{"item": 1}' : undefined });
  console.log(answer.status, await answer.text());
  process.exitCode = answer.ok ? 0 : 22;
} catch (error) {
  console.error(error.message, error.cause?.code ?? "");
  process.exitCode = 1;
}
