package conformance

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// The browser is started once, by the first test that needs it. Each test has
// a context of its own in it, with its own cookies and cache.
var (
	startBrowser sync.Once
	browser      context.Context
	browserErr   error
	endBrowser   = func() {}
)

func closeBrowser() { endBrowser() }

func openBrowser(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.WSURLReadTimeout(patient),
		// The certificates of the tests are their own.
		chromedp.IgnoreCertErrors,
		// Media plays without anybody clicking, and into nothing.
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("mute-audio", true),
		chromedp.Flag("disable-component-update", true),
		// Nothing beyond this machine is asked for.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("no-proxy-server", true),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	var endContext func()
	browser, endContext = chromedp.NewContext(allocator)
	endBrowser = func() {
		endContext()
		end()
	}
	browserErr = chromedp.Do(browser)
}

// tab is a page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// open opens a tab that shares nothing with those of other tests, at a URL.
func open(t *testing.T, url string) *tab {
	t.Helper()
	path := need(t, "chromium", "chromium-browser", "google-chrome")
	startBrowser.Do(func() { openBrowser(path) })
	if browserErr != nil {
		t.Fatalf("%s: %v", path, browserErr)
	}
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // the tab is there as long as this context
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	t.Cleanup(cancel)
	b := &tab{t, ctx}
	b.do(chromedp.Navigate(url))
	return b
}

// do does one thing after the other in the tab.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// js is the value of an expression in the tab, or of the promise that it is. T
// is what its JSON is.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}
