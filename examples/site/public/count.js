const n = Number(sessionStorage.getItem("loads")) + 1;
sessionStorage.setItem("loads", n);
if (n > 1) document.getElementById("count").textContent = n + " times";
