package vectorizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/processor"
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
	require.Equal(t, "square", m.Image.Mode)
	require.Equal(t, splitGraphs, m.Graph.Kind)
}

func TestManifestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(object)
		want string
	}{
		"newer version":              {set("version", 3), "its version is 3, this build reads version 2"},
		"no version":                 {set("version", nil), "its version is 0"},
		"unknown alpha":              {set("image.alpha", "black"), `alpha "black" is not known; use drop or white`},
		"unknown field":              {set("page.crop", true), `unknown field "crop"`},
		"wrong type":                 {set("dim", "128"), "dim"},
		"fraction":                   {set("dim", 1.5), "dim"},
		"no name":                    {set("name", ""), "name must be 1 to 200 printable bytes"},
		"name with a line break":     {set("name", "a\nb"), "name must be"},
		"no family":                  {set("family", ""), "family must be 1 to 200 printable bytes"},
		"dim of zero":                {set("dim", 0), "dim is 0; it must be 1 to 8192"},
		"dim of a million":           {set("dim", 1000000), "dim is 1000000"},
		"nameless input":             {set("graph.text.inputs.input_ids", ""), "graph.text.inputs.input_ids must be"},
		"unknown input":              {set("graph.text.inputs.labels", "labels"), `graph.text.inputs is "labels"; known are`},
		"nameless output":            {set("graph.vision.output", ""), "graph.vision.output must be"},
		"unknown output type":        {set("graph.text.output_type", "bfloat16"), `graph.text.output_type is "bfloat16"; known are float32, float16`},
		"unknown precision":          {set("graph.precision", "int8"), `graph.precision is "int8"; known are float32, float16, bfloat16`},
		"unknown kind of graph":      {set("graph.kind", "two"), `graph.kind is "two"; known are split, variants, single`},
		"split without vision":       {set("graph.vision", nil), "graph.vision must be there"},
		"single with vision":         {set("graph.kind", "single"), "graph.vision must be there, but not in a single graph"},
		"unknown positions":          {set("graph.positions", "from7"), `graph.positions is "from7"`},
		"unknown rows":               {set("graph.rows", "all"), `graph.rows is "all"`},
		"negative feature width":     {set("graph.image_feature_width", -1), "graph.image_feature_width is -1"},
		"huge image":                 {set("image.square.width", 1<<20), "image.square.width is 1048576; it must be 1 to 4096"},
		"no filter":                  {set("image.resample", nil), "image.resample is missing"},
		"unknown filter":             {set("image.resample", "nearest"), "nearest"},
		"no pass order":              {set("image.pass_order", nil), "image.pass_order is missing"},
		"zero rescale":               {set("image.rescale", 0), "image.rescale is 0"},
		"two means":                  {set("image.mean", []float32{0, 0}), "image.mean has 2 values"},
		"four deviations":            {set("image.std", []float32{1, 1, 1, 1}), "image.std has 4 values"},
		"unknown mode":               {set("image.mode", "round"), `image.mode is "round"; known are square, patches, tiles`},
		"mode without its own":       {set("image.square", nil), "image.square must be there only if it is the mode"},
		"another mode's":             {set("image.patches", object{}), "image.patches must be there only if it is the mode"},
		"endless patches":            {patchesOf("max_pixels", 1<<40), "image.patches.max_pixels is 1099511627776"},
		"billions of small patches":  {patchesOf("edge", 1), "image.patches.max_pixels in tokens is"},
		"least above most":           {patchesOf("min_pixels", 1<<21), "image.patches.min_pixels is 2097152"},
		"no patch":                   {patchesOf("edge", 0), "image.patches.edge is 0"},
		"millions of tiles":          {tilesOf("edge", 2), "image.tiles.longest_edge in tiles is 64"},
		"uneven tiles":               {tilesOf("edge", 60), "it must be an even multiple of image.tiles.edge, 60"},
		"tiles without marks":        {tilesOf("tile_ids", [][][]int{}), "image.tiles: there are tile ids of 0 rows"},
		"image token in a mark":      {tilesOf("view_ids", []int{1016}), "page prompt has the image token, 1016"},
		"billions of image tokens":   {set("image.square.grid.width", 1<<40), "image.square.grid.width is 1099511627776"},
		"grid of too many tokens":    {set("image.square.grid.width", 16384), "image.square.grid is 16384 x 32"},
		"grid that overflows":        {set("image.square.grid.width", 1<<62), "image.square.grid.width is 4611686018427387904"},
		"negative image token":       {set("page.image_token_id", -1), "page.image_token_id is -1"},
		"negative id":                {set("page.suffix_ids", []int{2, -5}), "page prompt has token id -5"},
		"image token in the suffix":  {set("page.suffix_ids", []int{1016}), "page prompt has the image token, 1016"},
		"image token in the query":   {set("query.prefix_ids", []int{1016}), "query prompt has the image token, 1016"},
		"endless prompt":             {set("page.prefix_ids", make([]int, 5000)), "together is"},
		"no room for a question":     {set("query.max_tokens", 12), "no room for a question"},
		"endless question":           {set("query.max_tokens", 1<<30), "query.max_tokens is"},
		"endless query prefix":       {set("query.prefix_text", strings.Repeat("a", 201)), "query.prefix_text has 201 bytes"},
		"file without a sum":         {set("graph.vision.file", "other.onnx"), `graph.vision.file is "other.onnx", which is not listed in files`},
		"file outside the folder":    {outside("../vision.onnx"), `"../vision.onnx"; a name must be that of a file in the model folder itself, or in a folder in it`},
		"file two folders deep":      {outside("a/b/vision.onnx"), `"a/b/vision.onnx"; a name must be`},
		"file up from a folder":      {outside("a/../vision.onnx"), `"a/../vision.onnx"; a name must be`},
		"file from the root":         {outside("/vision.onnx"), `"/vision.onnx"; a name must be`},
		"folder for a file":          {outside("a/"), `"a/"; a name must be`},
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

// patchesOf makes a model of patches, and changes one field.
func patchesOf(field string, value any) func(object) {
	return func(m object) {
		image := m["image"].(object)
		delete(image, "square")
		patches := object{"edge": 14, "merge": 2, "frames": 2, "min_pixels": 3136, "max_pixels": 1 << 20}
		image["mode"], image["patches"] = "patches", patches
		patches[field] = value
	}
}

// tilesOf makes a model of two by two tiles, and changes one field.
func tilesOf(field string, value any) func(object) {
	return func(m object) {
		image := m["image"].(object)
		delete(image, "square")
		mark := []int{5}
		tiles := object{"edge": 64, "longest_edge": 128, "tile_tokens": 16, "tile_ids": [][][]int{{mark, mark}, {mark, mark}}}
		image["mode"], image["tiles"] = "tiles", tiles
		tiles[field] = value
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
		set("image.square.grid.width", 0)(m)
	}))
	require.ErrorContains(t, err, "dim is 0")
	require.ErrorContains(t, err, "image.square.grid.width is 0")
}

// FuzzManifest holds that whatever is accepted can be acted on without overflow or absurd memory.
func FuzzManifest(f *testing.F) {
	f.Add(modelFiles(f)[manifestFile].Data)
	f.Add([]byte(`{"version": 1}`))
	f.Add(edited(f, set("image.square.grid.width", 1<<62)))
	f.Add(edited(f, outside("../secret")))
	f.Add(edited(f, patchesOf("merge", 1)))
	f.Add(edited(f, tilesOf("end_ids", []int{7})))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parseManifest(content)
		if err != nil {
			return
		}
		normalizer, err := processor.NewNormalizer(m.Image.Rescale, [3]float32(m.Image.Mean), [3]float32(m.Image.Std))
		if err != nil {
			return
		}
		v := &Vectorizer{manifest: m, images: imageModes[m.Image.Mode](m, normalizer)}
		for _, page := range []Grid{{1, 1}, {850, 1100}, {200, 1}, {1, 200}, {65535, 1000}} {
			prompt, err := v.layOut(page.Width, page.Height)
			require.NoError(t, err)
			require.LessOrEqual(t, len(prompt.ids), 2*maxImageTokens+20*maxPromptTokens)
			for _, row := range prompt.layout.Rows {
				require.Less(t, row, prompt.layout.Vectors)
			}
		}
		require.Positive(t, m.Query.MaxTokens-len(m.Query.PrefixIDs)-len(m.Query.SuffixIDs))
		for name := range m.Files {
			require.Equal(t, name, filepath.Base(name))
		}
	})
}
