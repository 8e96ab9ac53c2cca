package processor

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// framed is the random ColPali's tokenizer with that post-processor.
func framed(t *testing.T, post any) (*Tokenizer, error) {
	t.Helper()
	content, err := os.ReadFile("../testdata/colpali-random/tokenizer.json")
	require.NoError(t, err)
	var file map[string]any
	require.NoError(t, json.Unmarshal(content, &file))
	file["post_processor"] = post
	content, err = json.Marshal(file)
	require.NoError(t, err)
	return NewTokenizer(content)
}

func TestPromptsHaveSpecialTokensAndTextsDoNot(t *testing.T) {
	tokenizer, err := framed(t, nil)
	require.NoError(t, err)
	const text = "<bos>Query: a<pad><pad>\n"
	got, err := tokenizer.EncodePrompt([]int64{7}, text)
	require.NoError(t, err)
	want := append([]int64{7, 2}, tokenizer.Encode(nil, "Query: a")...)
	want = append(append(want, 0, 0), tokenizer.Encode(nil, "\n")...)
	require.Equal(t, want, got)
	require.NotEqual(t, got[1:], tokenizer.Encode(nil, text))

	id, ok := tokenizer.SpecialID("<image>")
	require.True(t, ok)
	require.Equal(t, int64(1016), id)
	for _, literal := range []string{"<image> ", "<imag", "", "a"} {
		_, ok = tokenizer.SpecialID(literal)
		require.False(t, ok, literal)
	}
}

func TestASpecialTokenThatTakesSpacesIsRefusedInPrompts(t *testing.T) {
	content, err := os.ReadFile("../testdata/colpali-random/tokenizer.json")
	require.NoError(t, err)
	var file map[string]any
	require.NoError(t, json.Unmarshal(content, &file))
	for _, token := range file["added_tokens"].([]any) {
		if token.(map[string]any)["content"] == "<pad>" {
			token.(map[string]any)["lstrip"] = true
		}
	}
	content, err = json.Marshal(file)
	require.NoError(t, err)
	tokenizer, err := NewTokenizer(content)
	require.NoError(t, err)
	_, err = tokenizer.EncodePrompt(nil, "<bos>a")
	require.NoError(t, err)
	_, err = tokenizer.EncodePrompt(nil, "a <pad>")
	require.ErrorIs(t, err, ErrTokenizer)
	require.ErrorContains(t, err, `"<pad>" has single_word, lstrip or rstrip set`)
}

// The shapes are those that the tokenizers library writes.
func TestFrame(t *testing.T) {
	type object = map[string]any
	bos := object{"SpecialToken": object{"id": "<bos>", "type_id": 0}}
	text := object{"Sequence": object{"id": "A", "type_id": 0}}
	known := object{"<bos>": object{"id": "<bos>", "ids": []int{2}, "tokens": []string{"<bos>"}}}
	template := object{"type": "TemplateProcessing", "single": []any{bos, text}, "pair": []any{}, "special_tokens": known}
	bert := object{"type": "BertProcessing", "sep": []any{"<eos>", 1}, "cls": []any{"<unk>", 3}}
	for name, c := range map[string]struct {
		post           any
		before, behind []int64
		want           string
	}{
		"none":          {},
		"byte level":    {post: object{"type": "ByteLevel", "trim_offsets": true}},
		"template":      {post: template, before: []int64{2}},
		"bert":          {post: bert, before: []int64{3}, behind: []int64{1}},
		"roberta":       {post: object{"type": "RobertaProcessing", "sep": []any{"<eos>", 1}, "cls": []any{"<bos>", 2}}, before: []int64{2}, behind: []int64{1}},
		"outer is last": {post: object{"type": "Sequence", "processors": []any{bert, template}}, before: []int64{2, 3}, behind: []int64{1}},
		"undefined":     {post: object{"type": "TemplateProcessing", "single": []any{bos, text}}, want: `has "<bos>", which it does not define`},
		"no text":       {post: object{"type": "TemplateProcessing", "single": []any{bos}, "special_tokens": known}, want: "has the text 0 times"},
		"bert of none":  {post: object{"type": "BertProcessing"}, want: "does not say its cls and sep"},
	} {
		t.Run(name, func(t *testing.T) {
			tokenizer, err := framed(t, c.post)
			require.NoError(t, err)
			before, behind, err := tokenizer.Frame()
			if c.want != "" {
				require.ErrorIs(t, err, ErrTokenizer)
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.ElementsMatch(t, c.before, before)
			require.ElementsMatch(t, c.behind, behind)
			require.Equal(t, len(c.before) > 0, len(before) > 0 && before[0] == c.before[0])
		})
	}
	_, err := framed(t, object{"type": "BertProcessing", "sep": "x"})
	require.ErrorIs(t, err, ErrTokenizer)
}
