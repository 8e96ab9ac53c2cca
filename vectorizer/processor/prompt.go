package processor

import (
	"encoding/json"
	"fmt"
	"slices"
)

// EncodePrompt appends the ids of a text in which literals of special tokens, such as <image>, are those tokens, as the
// tokenizers library has it by default. It is for prompts of a model's maker, and never for what users write. What the
// file's post-processor puts around a text is left away; see [Tokenizer.Frame].
//
// A special token that swallows spaces around it is an error: no model that we know has one in its prompt, and other ids
// than the library's would go unseen.
func (t *Tokenizer) EncodePrompt(dst []int64, text string) ([]int64, error) {
	for segment, id := range t.special.cut(text) {
		switch {
		case id < 0:
			dst = t.Encode(dst, segment)
		case t.strips[id]:
			return nil, fmt.Errorf("%w: %q has single_word, lstrip or rstrip set, which is not implemented in prompts",
				ErrTokenizer, shorten(t.Piece(id)))
		default:
			dst = append(dst, id)
		}
	}
	return dst, nil
}

// SpecialID returns the id of a special token by its literal.
func (t *Tokenizer) SpecialID(literal string) (id int64, ok bool) {
	length, id := t.special.longestAt(literal)
	return id, length > 0 && length == len(literal)
}

// Frame returns what the file's post-processor puts before and behind a text, as the tokenizers library does by default.
func (t *Tokenizer) Frame() (before, behind []int64, err error) { return t.post.frame() }

// postProcessorSpec puts special tokens around a text, or trims what the byte level reports of positions.
type postProcessorSpec struct {
	Type       string              `json:"type"`
	Processors []postProcessorSpec `json:"processors"` // Sequence
	// Single and SpecialTokens are TemplateProcessing's: what one text becomes.
	Single        []templatePiece          `json:"single"`
	SpecialTokens map[string]templateToken `json:"special_tokens"`
	// Cls and Sep are BertProcessing's and RobertaProcessing's.
	Cls framingToken `json:"cls"`
	Sep framingToken `json:"sep"`
}

// templatePiece is a special token's name, or the text where there is none.
type templatePiece struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
}

type templateToken struct {
	IDs []int64 `json:"ids"`
}

// framingToken is written as [literal, id].
type framingToken struct {
	id    int64
	known bool
}

// UnmarshalJSON reads the pair.
func (f *framingToken) UnmarshalJSON(text []byte) error {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	f.known = true
	return json.Unmarshal(pair[1], &f.id)
}

// check refuses what might change the ids of the text itself. Those that are known only add special
// tokens, which add_special_tokens off leaves away and a model's manifest puts there.
func (s *postProcessorSpec) check() error {
	if s == nil {
		return nil
	}
	switch s.Type {
	case "ByteLevel", "TemplateProcessing", "BertProcessing", "RobertaProcessing":
		return nil
	case "Sequence":
		for i := range s.Processors {
			if err := s.Processors[i].check(); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("post-processor %q is not implemented", shorten(s.Type))
}

func (s *postProcessorSpec) frame() (before, behind []int64, err error) {
	if s == nil {
		return nil, nil, nil
	}
	switch s.Type {
	case "Sequence":
		for i := range s.Processors {
			outerBefore, outerBehind, err := s.Processors[i].frame()
			if err != nil {
				return nil, nil, err
			}
			before, behind = slices.Concat(outerBefore, before), slices.Concat(behind, outerBehind)
		}
	case "BertProcessing", "RobertaProcessing":
		if !s.Cls.known || !s.Sep.known {
			return nil, nil, fmt.Errorf("%w: post-processor %s does not say its cls and sep", ErrTokenizer, s.Type)
		}
		before, behind = []int64{s.Cls.id}, []int64{s.Sep.id}
	case "TemplateProcessing":
		return s.template()
	}
	return before, behind, nil
}

func (s *postProcessorSpec) template() (before, behind []int64, err error) {
	texts := 0
	for _, piece := range s.Single {
		if piece.SpecialToken == nil {
			texts++
			continue
		}
		token, ok := s.SpecialTokens[piece.SpecialToken.ID]
		if !ok {
			return nil, nil, fmt.Errorf("%w: the post-processor's template has %q, which it does not define",
				ErrTokenizer, shorten(piece.SpecialToken.ID))
		}
		if texts == 0 {
			before = append(before, token.IDs...)
		} else {
			behind = append(behind, token.IDs...)
		}
	}
	if texts != 1 {
		return nil, nil, fmt.Errorf("%w: the post-processor's template has the text %d times, it must have it once",
			ErrTokenizer, texts)
	}
	return before, behind, nil
}
