package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

// demoPage is a sample page of the demo, and where its words stand in the pixels of its picture.
type demoPage struct {
	File, Title string
	Words       []printed
}

type printed struct {
	Text           string
	X0, Y0, X1, Y1 float64
}

func demoFile(name string) string {
	return filepath.Join(server.Repository(), "tools", "dev", "demo", "pages", name)
}

func demoPages(t *testing.T) (pages []demoPage) {
	t.Helper()
	text, err := os.ReadFile(demoFile("pages.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &pages))
	return pages
}

// importDemo imports the sample pages; tenant is "" for a collection without.
func (n *node) importDemo(t *testing.T, class, tenant string) {
	t.Helper()
	var objects []*models.Object
	for i, page := range demoPages(t) {
		blob, err := os.ReadFile(demoFile(page.File))
		require.NoError(t, err)
		object := pageObject(class, i, page.Title, base64.StdEncoding.EncodeToString(blob))
		object.Tenant = tenant
		objects = append(objects, object)
	}
	for chunk := range slices.Chunk(objects, 8) {
		n.imports(t, chunk)
	}
}

const pageKey = "a-key-of-the-test"

// withKey is a server that wants a key, and a client that has it.
func withKey(t *testing.T) *node {
	t.Helper()
	s := server.Start(t, server.Options{Env: map[string]string{
		"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
		"AUTHENTICATION_APIKEY_ENABLED":           "true",
		"AUTHENTICATION_APIKEY_ALLOWED_KEYS":      pageKey,
		"AUTHENTICATION_APIKEY_USERS":             "reader",
		"AUTHORIZATION_ADMINLIST_ENABLED":         "true",
		"AUTHORIZATION_ADMINLIST_USERS":           "reader",
	}})
	n, err := newNode(s, map[string]string{"Authorization": "Bearer " + pageKey})
	require.NoError(t, err)
	return n
}

// TestSearchPage: the search page in a real browser, over a server that wants a key, with the sample pages of the
// demo. Its screenshots are kept in build/screenshots.
func TestSearchPage(t *testing.T) {
	const class = "SearchPage"
	n := withKey(t)
	n.create(t, pageCollection(class))
	n.importDemo(t, class, "")
	address := searchPage(t, "http://"+n.HTTP, pageKey)
	b := openTab(t)
	b.open(address)
	b.until(`!document.getElementById("start").hidden`)
	b.picture("start")

	t.Run("asks", func(t *testing.T) {
		b.t = t
		require.True(t, eval[bool](b, `matchMedia("(hover: hover)").matches`))
		b.ask("wireless router password")
		require.Equal(t, demoPageOf(t, "router.png").Title, b.texts(".open .title")[0])
		scores := eval[[]float64](b, `[...document.querySelectorAll(".open .score")].map(e => Number(e.textContent))`)
		require.Len(t, scores, 12)
		require.True(t, slices.IsSortedFunc(scores, func(a, b float64) int { return int(100 * (b - a)) }), "the best first: %v", scores)
		require.Contains(t, b.texts("#trace summary")[0], "Certified")
		b.painted("#results")
		b.picture("results")
	})
	t.Run("shows where a word matched", func(t *testing.T) {
		b.t = t
		b.click(".open")
		b.painted("#sheets")
		for _, word := range []string{"wire", "router", "password"} {
			before := eval[string](b, painting(0))
			b.choose(word)
			require.NotEqual(t, before, eval[string](b, painting(0)))
			patch := eval[[]int](b, framed)
			require.Equal(t, patch, eval[[]int](b, hottest), "the heat is highest in the frame")
			require.True(t, demoPageOf(t, "router.png").stands(t, word, patch), "%q is not on patch %v", word, patch)
		}
		b.requireHot(b.picture("viewer"))
		require.Contains(t, b.texts("#legend")[0], "“password”")
	})
	t.Run("compares", func(t *testing.T) {
		b.t = t
		b.press("c")
		b.until(`document.querySelectorAll("#sheets figure").length === 2`)
		b.choose("router")
		b.painted("#sheets")
		require.Regexp(t, `router\d\.\d\d \| \d\.\d\d`, b.texts(".chip[aria-pressed=true]")[0], "what it adds to both")
		strongest := func(sheet int) float64 {
			return eval[float64](b, fmt.Sprintf(`Math.max(0, ...(%s).split(" ").map(r => Number(r.split(",")[2] ?? 0)))`, painting(sheet)))
		}
		require.InDelta(t, 0.6, max(strongest(0), strongest(1)), 1e-3)
		require.Greater(t, math.Abs(strongest(0)-strongest(1)), 1e-3, "both are painted on one scale")
		b.picture("compare")
		shared := eval[string](b, "location.href")
		b.open(shared)
		b.until(`document.querySelectorAll("#sheets figure").length === 2 && document.querySelector("#legend span")`)
		require.Equal(t, shared, eval[string](b, "location.href"))
		require.Contains(t, b.texts(".chip[aria-pressed=true]")[0], "router", "an address brings back all of it")
		b.press("c")
		b.until(`document.querySelectorAll("#sheets figure").length === 1`)
	})
	t.Run("by keys alone", func(t *testing.T) {
		b.t = t
		b.press(kb.Escape)
		b.until(`!document.getElementById("viewer").open`)
		b.press("/")
		require.Equal(t, "query", eval[string](b, "document.activeElement.id"))
		b.press("pie chart", kb.Enter)
		b.answered("pie chart")
		b.press(kb.ArrowDown)
		require.Equal(t, 0, eval[int](b, focusedCard))
		outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`)
		require.Equal(t, "solid", outline, "what has the focus is seen")
		b.press(kb.ArrowRight, kb.ArrowRight, kb.ArrowLeft, kb.Enter)
		b.until(`document.getElementById("viewer").open`)
		second := b.texts("#viewed")[0]
		require.Equal(t, b.texts(".open .title")[1], second)
		b.press(kb.ArrowDown)
		b.until(`document.querySelectorAll(".chip")[1].getAttribute("aria-pressed") === "true"`)
		b.press(kb.ArrowRight)
		require.Equal(t, b.texts(".open .title")[2], b.texts("#viewed")[0])
		b.until(`document.querySelector("#sheets .heat")`)
		b.press("h")
		require.Equal(t, "none", eval[string](b, `getComputedStyle(document.querySelector("#sheets .heat")).display`))
		b.press("h", kb.Escape)
		b.until(`!document.getElementById("viewer").open`)
		require.Equal(t, 2, eval[int](b, focusedCard), "the focus is back on the page that was looked at")
		b.press("c", kb.ArrowLeft, "c")
		b.until(`document.querySelectorAll("#sheets figure").length === 2`)
		b.press(kb.Escape)
	})
	t.Run("goes back", func(t *testing.T) {
		b.t = t
		for range 10 { // over the entries of looking at pages
			b.do(chromedp.NavigateBack())
			if eval[bool](b, `!location.hash.includes("pie")`) {
				break
			}
		}
		b.answered("wireless router password")
	})
	t.Run("every question of the demo", func(t *testing.T) {
		b.t = t
		b.requireDemoAnswers()
	})
	t.Run("in the dark, and on a phone", func(t *testing.T) {
		b.t = t
		light := eval[string](b, background)
		b.media("prefers-color-scheme", "dark")
		require.NotEqual(t, light, eval[string](b, background))
		b.ask("apple pancakes batter")
		b.painted("#results")
		b.picture("dark")
		b.click(".open")
		b.painted("#sheets")
		b.choose(eval[string](b, `document.querySelector(".chip[data-token]").firstChild.textContent`))
		b.picture("dark-viewer")
		b.size(360, 740)
		b.picture("phone-viewer")
		require.LessOrEqual(t, eval[int](b, widest), 360, "nothing is wider than the screen")
		b.press("c")
		b.until(`document.querySelectorAll("#sheets figure").length === 2`)
		b.painted("#sheets")
		b.picture("phone-compare")
		require.LessOrEqual(t, eval[int](b, widest), 360)
		b.press(kb.Escape)
		b.painted("#results")
		b.picture("phone")
		require.LessOrEqual(t, eval[int](b, widest), 360)
		b.media("prefers-color-scheme", "light")
		b.size(1280, 900)
	})
	t.Run("tells what was looked at", func(t *testing.T) {
		b.t = t
		b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("precision").value = "exact"`))
		b.ask("pie chart")
		b.click("#trace summary")
		require.Contains(t, b.texts("#trace")[0], fmt.Sprintf("%d could be answers", len(demoPages(t))))
		require.Contains(t, eval[string](b, "location.hash"), "p=exact")
		b.painted("#results")
		b.picture("results-trace")
	})
	t.Run("tells that a question was cut", func(t *testing.T) {
		b.t = t
		require.True(t, eval[bool](b, `document.getElementById("cut").hidden`))
		eval[chromedp.Void](b, `document.getElementById("query").value = "pie chart of revenue ".repeat(200)`)
		b.click(".primary")
		b.until(`!document.getElementById("cut").hidden`)
		require.Regexp(t, `its last \d+ tokens were left out`, b.texts("#cut")[0])
		b.painted("#results")
		b.picture("cut")
		b.size(360, 740)
		require.LessOrEqual(t, eval[int](b, widest), 360, "nothing is wider than the screen")
		b.picture("phone-cut")
		b.size(1280, 900)
		b.ask("pie chart")
		require.True(t, eval[bool](b, `document.getElementById("cut").hidden`))
	})
	t.Run("accessible names", func(t *testing.T) {
		b.t = t
		require.Empty(t, b.unnamed(), "every control has a name")
	})
	b.t = t
	require.NotContains(t, eval[string](b, "document.documentElement.outerHTML"), pageKey)
	b.requireNoProblems()
}

// TestSearchPageTenants: a collection of tenants, of several vectors, and with pages that cannot be placed or shown.
func TestSearchPageTenants(t *testing.T) {
	const class = "SearchTenants"
	n := shared(t)
	other := pageCollection("SearchOther")
	n.create(t, other)
	collection := pageCollection(class)
	collection.VectorConfig["again"] = collection.VectorConfig[pageVector]
	collection.MultiTenancyConfig = &models.MultiTenancyConfig{Enabled: true}
	n.create(t, collection)
	require.NoError(t, n.rest.Schema().TenantsCreator().WithClassName(class).
		WithTenants(models.Tenant{Name: "north"}, models.Tenant{Name: "south"}).Do(t.Context()))
	objects := pageObjects(t, class)
	hostile := `<img src=x onerror=alert(1)><b>whale</b>`
	objects[2].Properties.(object)["title"] = hostile
	for _, o := range objects {
		o.Tenant = "south"
	}
	n.imports(t, objects)

	b := openTab(t)
	b.open(searchPage(t, "http://"+n.HTTP, "") + "/#c=" + class + "&v=again&t=south&q=" + "blue+whales+ocean")
	b.until(`document.querySelectorAll(".open").length > 0`)
	require.Equal(t, hostile, b.texts(".open .title")[0], "what objects say is text")
	require.Equal(t, 0, eval[int](b, `document.querySelectorAll("main b b, main img[onerror]").length`))
	require.Equal(t, []string{"again", pageVector}, b.texts("#vector option"))
	b.click(".open")
	b.painted("#sheets")
	require.Contains(t, eval[string](b, "location.hash"), "t=south")
	b.picture("hostile")
	b.press(kb.Escape)

	b.open(eval[string](b, "location.origin") + "/#c=SearchOther&q=whale")
	b.until(`!document.getElementById("notice").hidden`)
	require.Contains(t, b.texts("#notice")[0], "No page was found")
	b.picture("empty")
	b.open(eval[string](b, "location.origin") + "/#c=Nothing&q=whale")
	b.until(`document.getElementById("notice").textContent.includes("There is no such collection")`)
	b.do(chromedp.SetValue(chromedp.CSS("#collection"), class), chromedp.Evaluate[chromedp.Void](
		`document.getElementById("collection").dispatchEvent(new Event("change"))`))
	b.until(`document.getElementById("tenant").value === "north"`)
	b.do(chromedp.SetValue(chromedp.CSS("#tenant"), "south"))
	b.ask("whale")
	b.requireNoProblems()
}

// TestSearchPageTrace: what large collections answer, which has no certificate, and pages without a map.
func TestSearchPageTrace(t *testing.T) {
	searched := `{"certified":false,"candidates":20000,"centroids":4096,"scanned":20000,"reranked":500,"scored":20}`
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		class := `{"class":"Page","properties":[],"vectorConfig":{"v":{"vectorizer":{"colpali":{"imageFields":["page"]}}}}}`
		_, _ = io.WriteString(w, map[string]string{
			"/v1/meta":                             `{"version":"1.39.3","modules":{"multi2multivec-colpali":{"model":"large"}}}`,
			"/v1/schema":                           `{"classes":[` + class + `]}`,
			"/v1/schema/Page":                      class,
			"/v1/objects/Page/" + uuid(1).String(): `{"properties":{}}`,
			"/v1/graphql": `{"data":{"Get":{"Page":[{"_additional":{"id":"` + uuid(1).String() + `","distance":-1,"colpali":{
				"searched":` + searched + `,"tokens":[{"text":"bee","prompt":false,"score":1,"column":null,"row":null}],
				"map":null,"reason":"they were pooled"}}}]}}}`,
		}[r.URL.Path])
	}))
	defer fake.Close()
	b := openTab(t)
	b.open(searchPage(t, fake.URL, ""))
	b.ask("bee")
	require.Equal(t, "Not certified: a better page may have been left out", b.texts("#trace summary")[0])
	b.click("#trace summary")
	for _, says := range []string{"20,000 could be answers", "20,000 were estimated by their nearest of 4096", "500 were scored by 8-bit", "20 were scored with"} {
		require.Contains(t, b.texts("#trace")[0], says)
	}
	b.picture("trace")
	b.click(".open")
	b.until(`document.querySelector(".reason")`)
	require.Contains(t, b.texts("#why")[0], "has no map: they were pooled")
	require.Contains(t, b.texts("#sheets")[0], "This page cannot be shown", "nor a picture")
	b.click(".chip[data-token]")
	b.press(kb.Escape)
	fake.Close()
	b.press("/", "wasp", kb.Enter)
	b.until(`document.getElementById("notice").textContent.includes("Weaviate cannot be reached")`)
	require.Contains(t, b.texts("#notice button"), "Try again")
	b.requireNoProblems()

	// The policy of the page is what stops this, and the tests see it.
	for _, injected := range []string{
		`document.body.setAttribute("style", "color: red")`,
		`document.body.append(Object.assign(new Image(), {src: "https://evil.example/"}))`,
		`document.body.append(document.createRange().createContextualFragment("<script>alert(1)</script>"))`,
	} {
		b.do(chromedp.Evaluate[chromedp.Void](`try {` + injected + `} catch {}`))
		require.Eventually(t, func() bool { return len(b.takeProblems()) > 0 }, patience, 20*time.Millisecond, injected)
	}
}

// TestSearchPageErrors: each failure is told with its remedy.
func TestSearchPageErrors(t *testing.T) {
	n := shared(t)
	n.create(t, pageCollection("SearchErrors"))
	nobody := httptest.NewServer(nil)
	nobody.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":[{"message":"invalid api key"}]}`, http.StatusUnauthorized)
	}))
	defer refusing.Close()
	stock := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":"1.39.3","modules":{}}`)
	}))
	defer stock.Close()
	b := openTab(t)
	for name, c := range map[string]struct{ url, says, remedy string }{
		"unreachable":   {nobody.URL, "Weaviate cannot be reached", "make serve"},
		"unauthorized":  {refusing.URL, "Weaviate wants to know who asks", "WEAVIATE_API_KEY"},
		"without-model": {stock.URL, "This Weaviate has no ColPali", "make serve"},
	} {
		b.open(searchPage(t, c.url, "wrong"))
		b.until(`!document.getElementById("notice").hidden`)
		require.Contains(t, b.texts("#notice h2")[0], c.says, name)
		require.Contains(t, b.texts("#notice .remedy")[0], c.remedy, name)
		b.picture("error-" + name)
	}
	b.open(searchPage(t, "http://"+n.HTTP, ""))
	b.until(`document.getElementById("collection").value !== ""`)
	eval[chromedp.Void](b, `document.getElementById("query").value = "very ".repeat(5000)`)
	b.click(".primary")
	b.until(`!document.getElementById("notice").hidden`)
	require.Contains(t, b.texts("#notice")[0], "The question was refused")
	require.Contains(t, b.texts("#notice")[0], "COLPALI_MAX_QUERY_BYTES")
	b.requireNoProblems()
}

// stands tells whether a word, or the part of it that a token is, is printed on a patch, [column, row].
func (p demoPage) stands(t *testing.T, word string, patch []int) bool {
	t.Helper()
	const patches = 28 // of the demo model, in a row and in a column
	file, err := os.Open(demoFile(p.File))
	require.NoError(t, err)
	defer file.Close()
	size, err := png.DecodeConfig(file)
	require.NoError(t, err)
	area := image.Rect(patch[0]*size.Width/patches, patch[1]*size.Height/patches,
		(patch[0]+1)*size.Width/patches, (patch[1]+1)*size.Height/patches)
	return slices.ContainsFunc(p.Words, func(w printed) bool {
		return strings.Contains(strings.ToLower(w.Text), word) &&
			area.Overlaps(image.Rect(int(w.X0), int(w.Y0), int(w.X1), int(w.Y1)))
	})
}

func demoPageOf(t *testing.T, file string) demoPage {
	t.Helper()
	pages := demoPages(t)
	return pages[slices.IndexFunc(pages, func(p demoPage) bool { return p.File == file })]
}

// choose clicks the chip of a word and waits for its map.
func (b *tab) choose(word string) {
	b.t.Helper()
	token := eval[string](b, fmt.Sprintf(`[...document.querySelectorAll(".chip")].find(c => c.firstChild.textContent === %q).dataset.token`, word))
	b.click(fmt.Sprintf(".chip[data-token='%s']", token))
	b.until(fmt.Sprintf(`document.getElementById("legend").textContent.includes("“%s”")`, word))
}

// requireDemoAnswers asks the demo's questions one after the other.
func (b *tab) requireDemoAnswers() {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS("#limit"), "6"))
	defer b.do(chromedp.SetValue(chromedp.CSS("#limit"), "12"))
	var questions []struct {
		Query  string
		Expect []string
	}
	text, err := os.ReadFile(demoFile("questions.json"))
	require.NoError(b.t, err)
	require.NoError(b.t, json.Unmarshal(text, &questions))
	for _, q := range questions {
		b.ask(q.Query)
		var titles []string
		for _, file := range q.Expect {
			titles = append(titles, demoPageOf(b.t, file).Title)
		}
		require.Contains(b.t, titles, b.texts(".open .title")[0], q.Query)
	}
}

// requireHot finds the heat's colour in a screenshot, in the middle of the frame.
func (b *tab) requireHot(screenshot []byte) {
	b.t.Helper()
	at := eval[[]float64](b, `(({x, y, width, height}) => [x + width / 2, y + height / 2])(document.querySelector("#sheets .match").getBoundingClientRect())`)
	picture, err := png.Decode(bytes.NewReader(screenshot))
	require.NoError(b.t, err)
	red, _, blue, _ := picture.At(int(at[0]), int(at[1])).RGBA()
	require.Greater(b.t, red>>8, 60+blue>>8, "orange at %v", at)
}

// unnamed are the controls that a screen reader could not name.
func (b *tab) unnamed() []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll("button, input, select, summary, dialog, ol")].filter(e =>
		!(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.labels?.length || e.textContent.trim())).map(e => e.outerHTML)`)
}

// painting is an expression for how the map on a sheet of the viewer is painted.
func painting(sheet int) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#sheets .paper")[%d].querySelectorAll("[fill-opacity]")].map(r =>
		["x", "y", "fill-opacity"].map(name => r.getAttribute(name)).join()).join(" ")`, sheet)
}

// Expressions. Patches are [column, row].
const (
	hottest = `(rects => ["x", "y"].map(name => Number(rects.reduce((a, b) =>
		Number(b.getAttribute("fill-opacity")) > Number(a.getAttribute("fill-opacity")) ? b : a).getAttribute(name))))(
		[...document.querySelectorAll("#sheets [fill-opacity]")])`
	framed      = `["x", "y"].map(name => Number(document.querySelector("#sheets .match").getAttribute(name)))`
	focusedCard = `[...document.querySelectorAll(".open")].indexOf(document.activeElement)`
	background  = `getComputedStyle(document.body).backgroundColor`
	widest      = `Math.max(document.documentElement.scrollWidth, document.getElementById("viewer").scrollWidth)`
)
