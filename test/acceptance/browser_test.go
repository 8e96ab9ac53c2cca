package acceptance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// tab is a page in a headless Chromium.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // exceptions, and what the browser's security refused
}

// patience bounds a hang: a step takes a fraction of a second on an idle machine.
const patience = 60 * time.Second

// openTab starts a browser of the test's own. It fails where there is none: a page that no browser has shown is
// not tested.
func openTab(t *testing.T) *tab {
	t.Helper()
	at := -1
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	for i, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			at = i
			break
		}
	}
	require.GreaterOrEqual(t, at, 0, "no browser: install Debian's package chromium, as .ci/run does")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(names[at]), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience),
		chromedp.NoSandbox, // Chromium has none for root, which is who runs CI
		// A mouse, which a headless browser lacks.
		chromedp.Flag("blink-settings", "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", true),
	)
	ctx, closeBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		closeTab()
		closeBrowser()
	})
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.listen)) // starts the browser
	b.size(1280, 900)
	return b
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, (&chromedp.ExceptionError{ExceptionDetails: event.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		// What the page asked in vain is its own to tell.
		if event.Entry.Source != log.EntrySourceNetwork {
			b.problems = append(b.problems, event.Entry.Text)
		}
	}
}

// requireNoProblems also tells what broke the content security policy.
func (b *tab) requireNoProblems() {
	b.t.Helper()
	require.Empty(b.t, b.takeProblems())
}

func (b *tab) takeProblems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.problems
	b.problems = nil
	return taken
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	act(b, chromedp.Steps(steps...))
}

func act[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	require.NoError(b.t, err)
	return value
}

func (b *tab) open(url string) {
	b.t.Helper()
	// From elsewhere, since an address that differs by its hash alone is not loaded.
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url))
}

func (b *tab) size(width, height int64) { b.do(chromedp.EmulateViewport(width, height)) }

func (b *tab) media(name, value string) {
	b.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: name, Value: value}}}))
}

// press sends keys to what has the focus; kb has those that are no characters. A key goes down with its character, as
// a real one does: chromedp's own KeyEvent sends that apart, and what the page has prevented is typed all the same.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range strings.Join(keys, "") {
		events := kb.Encode(key)
		if down := events[0]; len(events) == 3 {
			down.Text = events[1].Text
			events = slices.Delete(events, 1, 2)
		}
		for _, event := range events {
			b.do(call(input.DispatchKeyEvent, *event))
		}
	}
}

// call is a command of the browser's protocol.
func call[Parameters, Answer any](command cdp.Command[Parameters, Answer], parameters Parameters) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, parameters)
		return err
	})
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// eval is the value of an expression of JavaScript.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return act(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for a condition in JavaScript. It asks again and again from outside: what chromedp would put into the
// page to wait there, the page's policy refuses.
func (b *tab) until(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !eval[bool](b, "Boolean("+condition+")"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.Failf(b.t, "waited in vain", "for %s; the page shows %q; problems: %v",
				condition, eval[string](b, "document.body.innerText"), b.takeProblems())
		}
	}
}

// texts are those of all elements that a selector finds.
func (b *tab) texts(selector string) []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll("`+selector+`")].map(e => e.textContent.trim())`)
}

// picture keeps a screenshot in build/screenshots, for people to look at, and returns its file.
func (b *tab) picture(name string) []byte {
	b.t.Helper()
	file := act(b, chromedp.CaptureScreenshot())
	dir := filepath.Join(server.Repository(), "build", "screenshots")
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), file, 0o644))
	return file
}

// ask asks the page a question and waits for the answer.
func (b *tab) ask(question string) {
	b.t.Helper()
	b.until(`document.getElementById("collection").value !== ""`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("query").focus(), document.getElementById("query").select()`))
	b.press(question, kb.Enter)
	b.answered(question)
}

// answered waits for the answer to a question.
func (b *tab) answered(question string) {
	b.t.Helper()
	b.until(`/^\d+ pages? for /.test(document.getElementById("status").textContent) &&
		document.getElementById("status").textContent.includes("“` + question + `”")`)
}

// painted waits until the pictures that are in sight are there.
func (b *tab) painted(within string) {
	b.t.Helper()
	b.until(`[...document.querySelectorAll("` + within + ` .paper")].filter(p => p.getBoundingClientRect().top < innerHeight)
		.every(p => p.classList.contains("painted"))`)
	time.Sleep(200 * time.Millisecond) // they fade in
}

// searchPage runs tools/dev/search for a Weaviate until the test ends, and returns its address.
func searchPage(t *testing.T, weaviate, key string) string {
	t.Helper()
	binary, err := searchBinary()
	require.NoError(t, err)
	process := exec.Command(binary, "-url", weaviate, "-port", "0")
	process.Env = append(os.Environ(), "WEAVIATE_API_KEY="+key)
	said, err := process.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		require.NoError(t, process.Process.Signal(os.Interrupt))
		require.NoError(t, process.Wait(), "it ends by itself when it is asked to")
	})
	line := make([]byte, 4096)
	n, err := said.Read(line)
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(line[:n]), "open ")
	require.True(t, ok, "%s", line[:n])
	address, _, _ := strings.Cut(after, ";")
	return address
}

var searchBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(server.Repository(), "build", "tools", "search")
	build := exec.Command("go", "build", "-o", path, "./tools/dev/search")
	build.Dir = server.Repository()
	build.Stderr = os.Stderr
	return path, build.Run()
})
