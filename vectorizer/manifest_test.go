package vectorizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// modelFiles is the random model in memory, for tests to damage.
func modelFiles(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{manifestFile, "vision.onnx", "text.onnx", "tokenizer.json"} {
		content, err := os.ReadFile(filepath.Join(randomModel, name))
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: content}
	}
	return files
}

// object is JSON of no particular type.
type object = map[string]any

func edited(t testing.TB, edit func(object)) []byte {
	t.Helper()
	var m object
	require.NoError(t, json.Unmarshal(modelFiles(t)[manifestFile].Data, &m))
	edit(m)
	content, err := json.Marshal(m)
	require.NoError(t, err)
	return content
}

// set changes one field, named by its path.
func set(path string, value any) func(object) {
	return func(m object) {
		keys := strings.Split(path, ".")
		for _, key := range keys[:len(keys)-1] {
			m = m[key].(object)
		}
		m[keys[len(keys)-1]] = value
	}
}

func TestManifestOfTheExporterIsAccepted(t *testing.T) {
	m, hash, err := readManifest(modelFiles(t))
	require.NoError(t, err)
	require.Len(t, hash, 64)
	require.Equal(t, 1030, m.Page.vectors())
	require.Len(t, m.Page.ids(), 1030)
}

func TestManifestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(object)
		want string
	}{
		"newer version":              {set("version", 2), "its version is 2, this build reads version 1"},
		"no version":                 {set("version", nil), "its version is 0"},
		"unknown field":              {set("page.crop", true), `unknown field "crop"`},
		"wrong type":                 {set("dim", "128"), "dim"},
		"fraction":                   {set("dim", 1.5), "dim"},
		"no name":                    {set("name", ""), "name must be 1 to 200 printable bytes"},
		"name with a line break":     {set("name", "a\nb"), "name must be"},
		"other family":               {set("family", "colqwen2"), `family is "colqwen2"; this build runs colpali`},
		"dim of zero":                {set("dim", 0), "dim is 0; it must be 1 to 8192"},
		"dim of a million":           {set("dim", 1000000), "dim is 1000000"},
		"nameless input":             {set("graph.text.input_ids", ""), "graph.text.input_ids must be"},
		"negative feature width":     {set("graph.image_feature_width", -1), "graph.image_feature_width is -1"},
		"huge image":                 {set("image.width", 1<<20), "image.width is 1048576; it must be 1 to 4096"},
		"no filter":                  {set("image.resample", nil), "image.resample is missing"},
		"unknown filter":             {set("image.resample", "nearest"), "nearest"},
		"no pass order":              {set("image.pass_order", nil), "image.pass_order is missing"},
		"zero rescale":               {set("image.rescale", 0), "image.rescale is 0"},
		"two means":                  {set("image.mean", []float32{0, 0}), "image.mean has 2 values"},
		"four deviations":            {set("image.std", []float32{1, 1, 1, 1}), "image.std has 4 values"},
		"billions of image tokens":   {set("page.image_tokens", 1<<40), "page.image_tokens is 1099511627776"},
		"grid of other size":         {set("page.grid.width", 31), "page.grid is 31 x 32, which is not page.image_tokens, 1024"},
		"grid that overflows":        {set("page.grid.width", 1<<62), "page.grid.width is 4611686018427387904"},
		"negative image token":       {set("page.image_token_id", -1), "page.image_token_id is -1"},
		"negative id":                {set("page.suffix_ids", []int{2, -5}), "page prompt has token id -5"},
		"image token in the suffix":  {set("page.suffix_ids", []int{1016}), "page prompt has the image token, 1016"},
		"image token in the query":   {set("query.prefix_ids", []int{1016}), "query prompt has the image token, 1016"},
		"endless prompt":             {set("page.prefix_ids", make([]int, 5000)), "together is"},
		"no room for a question":     {set("query.max_tokens", 12), "no room for a question"},
		"endless question":           {set("query.max_tokens", 1<<30), "query.max_tokens is"},
		"endless query prefix":       {set("query.prefix_text", strings.Repeat("a", 201)), "query.prefix_text has 201 bytes"},
		"file without a sum":         {set("graph.vision.file", "other.onnx"), `graph.vision.file is "other.onnx", which is not listed in files`},
		"file outside the folder":    {outside("../vision.onnx"), `"../vision.onnx"; a name must be that of a file in the model folder itself`},
		"absolute path":              {outside("/etc/passwd"), `"/etc/passwd"; a name must be`},
		"path of another system":     {outside(`..\vision.onnx`), "a name must be"},
		"drive of another system":    {outside(`c:vision.onnx`), "a name must be"},
		"the manifest itself":        {outside(manifestFile), "a name must be"},
		"parent":                     {outside(".."), "a name must be"},
		"nameless file":              {outside(""), "a name must be"},
		"file with an empty sum":     {sum(object{}), "has no sha256 of 64"},
		"sum that is no hexadecimal": {sum(object{"sha256": strings.Repeat("x", 64), "bytes": 5}), "has no sha256 of 64"},
		"sum that is too short":      {sum(object{"sha256": "00", "bytes": 5}), "has no sha256 of 64"},
		"empty file":                 {sum(object{"sha256": strings.Repeat("0", 64), "bytes": 0}), "has 0 bytes"},
		"no files":                   {set("files", object{}), "files is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseManifest(edited(t, c.edit))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// outside renames the tokenizer's file, with its sum.
func outside(name string) func(object) {
	return func(m object) {
		files := m["files"].(object)
		files[name] = files["tokenizer.json"]
		delete(files, "tokenizer.json")
		set("tokenizer.file", name)(m)
	}
}

// sum replaces the sum of the text graph.
func sum(of object) func(object) {
	return func(m object) { m["files"].(object)["text.onnx"] = of }
}

func TestManifestThatIsNoManifest(t *testing.T) {
	for name, content := range map[string]string{
		"empty":           "",
		"no JSON":         "<html>404</html>",
		"list":            "[]",
		"two documents":   `{"version": 1}{"version": 1}`,
		"cut off":         `{"version": 1, "name":`,
		"version only":    `{"version": 1}`,
		"deep":            strings.Repeat("[", 20000),
		"larger than 1MB": strings.Repeat(" ", maxManifestBytes) + "{}",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := readManifest(fstest.MapFS{manifestFile: {Data: []byte(content)}})
			require.Error(t, err)
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	_, err := parseManifest(edited(t, func(m object) {
		set("dim", 0)(m)
		set("page.image_tokens", 7)(m)
	}))
	require.ErrorContains(t, err, "dim is 0")
	require.ErrorContains(t, err, "page.grid is 32 x 32")
}

// FuzzManifest holds that whatever is accepted can be acted on without overflow or absurd memory.
func FuzzManifest(f *testing.F) {
	f.Add(modelFiles(f)[manifestFile].Data)
	f.Add([]byte(`{"version": 1}`))
	f.Add(edited(f, set("page.grid.width", 1<<62)))
	f.Add(edited(f, outside("../secret")))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parseManifest(content)
		if err != nil {
			return
		}
		require.Len(t, m.Page.ids(), m.Page.vectors())
		require.LessOrEqual(t, m.Page.vectors(), maxImageTokens+maxPromptTokens)
		require.Positive(t, m.Image.values())
		require.Positive(t, m.Query.MaxTokens-len(m.Query.PrefixIDs)-len(m.Query.SuffixIDs))
		for name := range m.Files {
			require.Equal(t, name, filepath.Base(name))
		}
	})
}
