package vectorizer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

// foreignFolders are tiny random models in the layouts of other exporters; tools/dev/goldens/foreign.py makes them, and
// the vectors that the others' own code gives.
var foreignFolders = []string{"fastembed-colpali", "fastembed-colmodernvbert", "optimum-colpali"}

func TestAForeignFolderGivesItsMakersVectors(t *testing.T) {
	for _, name := range foreignFolders {
		t.Run(name, func(t *testing.T) {
			m := openGolden(t, filepath.Join("testdata", name))
			require.NotEmpty(t, m.Model().Adopted)
			pages, err := m.EmbedPages(t.Context(), m.blobs)
			require.NoError(t, err)
			for i, golden := range m.Pages {
				page, err := m.preparePage(m.blobs[i])
				require.NoError(t, err)
				require.Equal(t, golden.IDs, page.prompt.ids, golden.File)
				m.requirePage(t, i, pages[i])
			}
			queries, err := m.EmbedQueries(t.Context(), m.texts)
			require.NoError(t, err)
			want := m.floats(t, m.QueryEmbeddings)
			for i, golden := range m.Queries {
				ids, cut := m.wrapQuery(golden.Text)
				require.Zero(t, cut)
				require.Equal(t, golden.IDs, ids, "%q", golden.Text)
				for _, vector := range queries[i].Vectors {
					requireClose(t, want[:m.model.Dim], vector)
					want = want[m.model.Dim:]
				}
			}
			require.Empty(t, want)
		})
	}
}

// foreignCopy is a copy of the folder for a test to damage.
func foreignCopy(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "golden")))
	return dir
}

// What the command writes is what the server makes by itself, and once written the folder is like any other.
func TestAnAdoptedFolderKeepsItsHash(t *testing.T) {
	for _, name := range foreignFolders {
		t.Run(name, func(t *testing.T) {
			dir := foreignCopy(t, name)
			bare := openFolder(t, dir)
			adoption, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
			require.NoError(t, err)
			require.Equal(t, bare.Adopted, adoption.Decisions)
			require.NoError(t, os.WriteFile(filepath.Join(dir, manifestFile), adoption.Manifest, 0o600))
			written := openFolder(t, dir)
			require.Nil(t, written.Adopted)
			written.Adopted = bare.Adopted
			require.Equal(t, bare, written)
		})
	}
}

func openFolder(t *testing.T, dir string) Model {
	t.Helper()
	v, err := OpenFolder(t.Context(), dir, Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	require.NoError(t, v.Close())
	return v.Model()
}

func TestWhatIsDecidedOfFastembedsColPali(t *testing.T) {
	adoption, err := Adopt(t.Context(), os.DirFS("testdata/fastembed-colpali"), AdoptChoice{})
	require.NoError(t, err)
	require.Equal(t, "colpali-query", adoption.Preset)
	require.Equal(t, []string{
		`family colpali: config.json has the model_type "colpali"`,
		`pages by model.onnx: int64 "input_ids" [?, ?], float32 "pixel_values" [?, 3, 112, 112], int64 "attention_mask" [?, ?] to float32 "vectors" [?, ?, 16]`,
		`queries by the same graph, which sees an image of zeros`,
		`prompt colpali-query: a page is 64 image tokens and "<bos>Describe the image.\n", a query "<bos>Query: ", the text, "<pad><pad><pad><pad><pad><pad><pad><pad><pad><pad>\n"`,
		`a query keeps at most 50 tokens, of which 15 are the prompt's`,
	}, adoption.Decisions)
}

func TestWhatIsDecidedOfFastembedsColModernVBERT(t *testing.T) {
	adoption, err := Adopt(t.Context(), os.DirFS("testdata/fastembed-colmodernvbert"), AdoptChoice{})
	require.NoError(t, err)
	require.Equal(t, "modernvbert-assistant", adoption.Preset)
	end := strings.Repeat("<end_of_utterance>", 10)
	require.Equal(t, []string{
		`family colmodernvbert: config.json has the model_type "modernvbert"`,
		`pages by model_v2.onnx: int64 "input_ids" [?, ?], int64 "attention_mask" [?, ?], float32 "pixel_values" [?, ?, 3, 64, 64] to float32 "embeddings" [?, ?, 128]`,
		`queries by the same graph, which sees an image of zeros`,
		`prompt modernvbert-assistant: a page is "<|begin_of_text|>User:", its tiles and "Describe the image.<end_of_utterance>\nAssistant:", a query the text and "` + end + `"`,
		`a query keeps at most 128 tokens, of which 12 are the prompt's`,
	}, adoption.Decisions)
}

func TestWhatIsDecidedOfOptimumsColPali(t *testing.T) {
	adoption, err := Adopt(t.Context(), os.DirFS("testdata/optimum-colpali"), AdoptChoice{})
	require.NoError(t, err)
	require.Equal(t, "colpali-question", adoption.Preset)
	require.Equal(t, []string{
		`family colpali: config.json has the model_type "colpali"`,
		`pages by vision/model.onnx: int64 "input_ids" [?, ?], float32 "pixel_values" [?, 3, 112, 112], int64 "attention_mask" [?, ?] to float32 "embeddings" [?, ?, 16]`,
		`queries by text/model.onnx: int64 "input_ids" [?, ?], int64 "attention_mask" [?, ?] to float32 "embeddings" [?, ?, 16]`,
	}, adoption.Decisions[:3])
}

// Where two folders of optimum's lie side by side, the configuration lies in each of them.
func TestTheConfigurationMayLieBesideAGraph(t *testing.T) {
	dir := foreignCopy(t, "optimum-colpali")
	want, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
	require.NoError(t, err)
	for _, name := range []string{"config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json"} {
		require.NoError(t, os.Rename(filepath.Join(dir, name), filepath.Join(dir, "vision", name)))
	}
	got, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
	require.NoError(t, err)
	require.Equal(t, want.Decisions, got.Decisions)
	require.Equal(t, "vision/tokenizer.json", got.manifest.Tokenizer.File)
	openFolder(t, dir)
}

func TestHalvesOfTwoVariantsAreNotEnough(t *testing.T) {
	dir := foreignCopy(t, "optimum-colpali")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "vision")))
	_, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
	require.ErrorContains(t, err, "text/model.onnx takes no pixel_values: the graph for pages is missing")
}

// A graph in a folder has its tensors beside it, and those are summed.
func TestTensorsLieBesideTheirGraph(t *testing.T) {
	dir := foreignCopy(t, "fastembed-colpali")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "onnx"), 0o755))
	for _, name := range []string{"model.onnx", "model.onnx_data"} {
		require.NoError(t, os.Rename(filepath.Join(dir, name), filepath.Join(dir, "onnx", name)))
	}
	adoption, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
	require.NoError(t, err)
	require.Contains(t, adoption.manifest.Files, "onnx/model.onnx_data")
	require.NoError(t, os.WriteFile(filepath.Join(dir, manifestFile), adoption.Manifest, 0o600))
	openFolder(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "onnx", "model.onnx_data"), nil, 0o600))
	_, err = OpenFolder(t.Context(), dir, Options{})
	require.ErrorContains(t, err, "onnx/model.onnx_data is not the file that colpali.json describes")
}

func TestATiledFolderThatDoesNotSayEnough(t *testing.T) {
	for name, c := range map[string]struct {
		damage damage
		want   string
	}{
		"not split":         {configured("preprocessor_config.json", "do_image_splitting", false), "do_image_splitting false"},
		"no longest edge":   {configured("preprocessor_config.json", "size", object{}), "the longest edge of a page is 0; it must be 1 to 1024"},
		"a page of leagues": {configured("preprocessor_config.json", "size.longest_edge", 1<<40), "the longest edge of a page is 1099511627776"},
		"a negative edge":   {configured("preprocessor_config.json", "max_image_size.longest_edge", -64), "the edge of a tile is -64"},
		"a million tokens":  {configured("processor_config.json", "image_seq_len", 1<<20), "the number of image tokens of a tile is 1048576"},
		"tokens of no grid": {configured("processor_config.json", "image_seq_len", 15), "15 image tokens a tile are not a square number"},
		"other tiles":       {configured("config.json", "vision_config.image_size", 32), "makes tiles of 64, config.json wants them 32"},
		"broken tiles":      {configured("preprocessor_config.json", "size.longest_edge", 200), "image.tiles.longest_edge is 200; it must be an even multiple"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := foreignCopy(t, "fastembed-colmodernvbert")
			c.damage(t, dir)
			_, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
			require.ErrorIs(t, err, ErrModel)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Adopt(t.Context(), os.DirFS("testdata/fastembed-colmodernvbert"), AdoptChoice{Preset: "colpali-query"})
	require.ErrorContains(t, err, `there is no preset "colpali-query"; there is modernvbert-assistant`)
}

// damage changes a copy of a foreign folder.
type damage func(t *testing.T, dir string)

func without(name string) damage {
	return func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, name))) }
}

func replaced(name string, content func([]byte) []byte) damage {
	return func(t *testing.T, dir string) {
		t.Helper()
		old, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content(old), 0o600))
	}
}

func configured(name, path string, value any) damage {
	return func(t *testing.T, dir string) {
		replaced(name, func(old []byte) []byte {
			var m object
			require.NoError(t, json.Unmarshal(old, &m))
			set(path, value)(m)
			content, err := json.Marshal(m)
			require.NoError(t, err)
			return content
		})(t, dir)
	}
}

func copied(from, to string) damage {
	return func(t *testing.T, dir string) {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(dir, from))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), content, 0o600))
	}
}

// graph writes model.onnx with these inputs and outputs and no node.
func graph(values ...[]byte) damage {
	return replaced("model.onnx", func([]byte) []byte { return longField(7, values...) })
}

const (
	graphInput  = 11
	graphOutput = 12
)

// value is an input or output; a side that is 0 may be chosen by the caller.
func value(kind byte, name string, element elementType, sides ...byte) []byte {
	var shape [][]byte
	for _, side := range sides {
		dimension := field(2, []byte("n"))
		if side != 0 {
			dimension = []byte{1 << 3, side}
		}
		shape = append(shape, field(1, dimension))
	}
	return longField(kind, field(1, []byte(name)), field(2, field(1, []byte{1 << 3, byte(element)}, field(2, shape...))))
}

// longField is field without its bound.
func longField(number byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(content))), content...)
}

func TestAFolderThatDoesNotSayEnough(t *testing.T) {
	ids, mask := value(graphInput, "input_ids", elementInt64, 0, 0), value(graphInput, "attention_mask", elementInt64, 0, 0)
	pixels, vectors := value(graphInput, "pixel_values", elementFloat32, 0, 3, 112, 112), value(graphOutput, "y", elementFloat32, 0, 0, 16)
	for name, c := range map[string]struct {
		damage damage
		want   string
	}{
		"no config":             {without("config.json"), "there is no config.json"},
		"no image processor":    {without("preprocessor_config.json"), "there is no preprocessor_config.json"},
		"no tokenizer":          {without("tokenizer.json"), "there is no tokenizer.json"},
		"no graph":              {without("model.onnx"), "there is no .onnx file"},
		"no tensors":            {without("model.onnx_data"), `takes tensors from "model.onnx_data", which is missing`},
		"config is no JSON":     {replaced("config.json", func([]byte) []byte { return []byte("<html>404</html>") }), "config.json: invalid character"},
		"unknown family":        {configured("config.json", "model_type", "llava"), `model_type "llava", for which there is no rule (there are for colpali`},
		"bi-encoder":            {configured("config.json", "architectures", []string{"BiPali"}), `architecture "BiPali", a bi-encoder`},
		"cut off":               {replaced("model.onnx", func(old []byte) []byte { return old[:len(old)/2] }), "model.onnx: is not an ONNX file, or damaged"},
		"pointer file":          {replaced("model.onnx", func([]byte) []byte { return []byte("version https://git-lfs.github.com/spec/v1\n") }), "is not an ONNX file"},
		"two graphs":            {copied("model.onnx", "model_v2.onnx"), "model.onnx, model_v2.onnx could all be the model: name one with `make adopt GRAPH=`"},
		"other image token":     {configured("config.json", "vlm_config.image_token_index", 7), "config.json has the image token 7, tokenizer.json 1016"},
		"other size":            {configured("preprocessor_config.json", "size.width", 224), "makes pages 224 x 112, config.json wants them 112"},
		"other patches":         {configured("config.json", "vlm_config.vision_config.patch_size", 15), "no whole number of patches of 15"},
		"nearest neighbour":     {configured("preprocessor_config.json", "resample", 0), "resample 0; known are"},
		"cropped":               {configured("preprocessor_config.json", "do_center_crop", true), "do_center_crop true"},
		"not normalized":        {configured("preprocessor_config.json", "do_normalize", false), "do_normalize false"},
		"mean of one channel":   {configured("preprocessor_config.json", "image_mean", []float64{0.5}), "image.mean has 1 values"},
		"enormous pages":        {configured("preprocessor_config.json", "size", object{"width": 1 << 40, "height": 1 << 40}), "preprocessor_config.json makes pages"},
		"fixed batch":           {graph(value(graphInput, "input_ids", elementInt64, 1, 0), mask, pixels, vectors), `int64 "input_ids" [1, ?] has a fixed batch`},
		"fixed sequence":        {graph(ids, value(graphInput, "attention_mask", elementInt64, 0, 70), pixels, vectors), `[?, 70] has a fixed sequence`},
		"fixed batch of pages":  {graph(ids, mask, value(graphInput, "pixel_values", elementFloat32, 1, 3, 112, 112), vectors), "has a fixed batch"},
		"fixed output":          {graph(ids, mask, pixels, value(graphOutput, "y", elementFloat32, 0, 64, 16)), `"y" [?, 64, 16] has a fixed sequence`},
		"pages in half":         {graph(ids, mask, value(graphInput, "pixel_values", 10, 0, 3, 112, 112), vectors), `float16 "pixel_values" [?, 3, 112, 112] is not float32`},
		"vectors in bfloat16":   {graph(ids, mask, pixels, value(graphOutput, "y", 16, 0, 0, 16)), `bfloat16 "y" [?, ?, 16] is not float32`},
		"ids of 32 bits":        {graph(value(graphInput, "input_ids", 6, 0, 0), mask, pixels, vectors), `int32 "input_ids" [?, ?] is not int64`},
		"other side":            {graph(ids, mask, value(graphInput, "pixel_values", elementFloat32, 0, 3, 56, 56), vectors), "the configuration makes them [?, 3, 112, 112]"},
		"more inputs":           {graph(ids, mask, pixels, value(graphInput, "pixel_mask", elementInt64, 0, 0), vectors), `it reads "pixel_mask"; there are rules for`},
		"no mask":               {graph(ids, pixels, vectors), "it has no input attention_mask"},
		"no pixels":             {graph(ids, mask, vectors), "model.onnx takes no pixel_values"},
		"no output":             {graph(ids, mask, pixels), "it has no output"},
		"one vector a page":     {graph(ids, mask, pixels, value(graphOutput, "y", elementFloat32, 0, 0)), "does not give a vector for each token"},
		"vectors of a billion":  {graph(ids, mask, pixels, longField(graphOutput, field(1, []byte("y")), field(2, field(1, []byte{1 << 3, 1}, field(2, field(1), field(1), field(1, []byte{1 << 3, 0xff, 0xff, 0xff, 0xff, 0x0f})))))), "dim is 8193"},
		"half of an own export": {graph(ids, mask, value(graphInput, "image_features", elementFloat32, 0, 64), vectors), "it is a half of a model that tools/dev/export wrote"},
		"tensors elsewhere":     {graph(ids, mask, pixels, vectors, field(5, locationEntry("../secret"))), `takes tensors from "../secret"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := foreignCopy(t, "fastembed-colpali")
			c.damage(t, dir)
			_, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
			require.ErrorIs(t, err, ErrModel)
			require.ErrorContains(t, err, c.want)
			_, err = OpenFolder(t.Context(), dir, Options{})
			require.ErrorIs(t, err, ErrModel)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "`make adopt` writes colpali.json")
		})
	}
}

// The hub's cache is a folder of links to files beside it.
func TestAFolderOfLinksIsRefused(t *testing.T) {
	blobs := foreignCopy(t, "fastembed-colpali")
	dir := t.TempDir()
	files, err := os.ReadDir(blobs)
	require.NoError(t, err)
	for _, file := range files {
		require.NoError(t, os.Symlink(filepath.Join(blobs, file.Name()), filepath.Join(dir, file.Name())))
	}
	_, err = OpenFolder(t.Context(), dir, Options{})
	require.ErrorIs(t, err, ErrModel)
	require.ErrorContains(t, err, `"config.json" is a link, as all files are in the hub's cache: copy the folder with cp -rL`)
}

func TestWhatThePersonChooses(t *testing.T) {
	dir := foreignCopy(t, "fastembed-colpali")
	copied("model.onnx", "model_v2.onnx")(t, dir)
	_, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{Graph: "model_v3.onnx"})
	require.ErrorContains(t, err, `there is no graph "model_v3.onnx"; there are model.onnx, model_v2.onnx`)
	_, err = Adopt(t.Context(), os.DirFS(dir), AdoptChoice{Graph: "model_v2.onnx", Preset: "colpali"})
	require.ErrorContains(t, err, `there is no preset "colpali"; there are colpali-bare, colpali-bos2, colpali-query, colpali-question`)
	adoption, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{Graph: "model_v2.onnx", Preset: "colpali-question"})
	require.NoError(t, err)
	require.Equal(t, "model_v2.onnx", adoption.manifest.Graph.Text.File)
	require.Equal(t, "Question: ", adoption.manifest.Query.PrefixText)
	require.Equal(t, "colpali-question", adoption.Preset)
	require.NotContains(t, adoption.manifest.Files, "model.onnx")
}

func TestVectorsInHalfAreWidened(t *testing.T) {
	dir := foreignCopy(t, "fastembed-colpali")
	graph(value(graphInput, "input_ids", elementInt64, 0, 0), value(graphInput, "attention_mask", elementInt64, 0, 0),
		value(graphInput, "pixel_values", elementFloat32, 0, 3, 112, 112), value(graphOutput, "y", elementFloat16, 0, 0, 16))(t, dir)
	adoption, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
	require.NoError(t, err)
	require.Equal(t, float16Output, adoption.manifest.Graph.Text.OutputType)
}

// transformers' own processor says what it puts before a query.
func TestTheProcessorsPromptWins(t *testing.T) {
	dir := foreignCopy(t, "fastembed-colpali")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "processor_config.json"),
		[]byte(`{"query_prefix": "Question: ", "visual_prompt_prefix": "Describe the image."}`), 0o600))
	adoption, err := Adopt(t.Context(), os.DirFS(dir), AdoptChoice{})
	require.NoError(t, err)
	require.Equal(t, "colpali-question", adoption.Preset)
	require.Equal(t, "Question: ", adoption.manifest.Query.PrefixText)
}
