// The pass phrase of `photosd web --lan`.
document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = document.querySelector("#passphrase");
  const answer = await fetch("/login", { method: "POST", headers: { "x-photosd": "1" }, body: field.value });
  if (answer.ok) { location.href = "/"; return; }
  document.querySelector("#toast").textContent = "Wrong pass phrase, or too many tries. Wait a minute.";
  field.select();
});
