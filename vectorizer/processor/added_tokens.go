package processor

import "iter"

// addedToken is a token that tokenizer.json lists beside the model's vocabulary.
type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	Lstrip     bool   `json:"lstrip"`
	Rstrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// plainText is the id of what is not a token yet.
const plainText = -1

// addedTokens finds the literals of added tokens in a text: a trie over their bytes. The zero value
// finds none.
type addedTokens struct {
	root trieNode
}

type trieNode struct {
	next map[byte]*trieNode
	ends bool  // a literal ends here
	id   int64 // of that literal, plainText for a special token
}

func (a *addedTokens) add(literal string, id int64) {
	node := &a.root
	for i := range len(literal) {
		if node.next == nil {
			node.next = map[byte]*trieNode{}
		}
		child := node.next[literal[i]]
		if child == nil {
			child = new(trieNode)
			node.next[literal[i]] = child
		}
		node = child
	}
	node.ends, node.id = true, id
}

// cut yields the text in order as plain segments, none of them empty, and tokens, leftmost and then
// longest. A special token's literal stays part of the plain segment around it, but no other token
// is looked for inside it.
func (a *addedTokens) cut(text string) iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		start, at := 0, 0
		for at < len(text) {
			length, id := a.longestAt(text[at:])
			if length == 0 {
				at++ // bytes will do: no literal begins within a character, as all are whole UTF-8
				continue
			}
			if id == plainText {
				at += length
				continue
			}
			if start < at && !yield(text[start:at], plainText) {
				return
			}
			if !yield(text[at:at+length], id) {
				return
			}
			at += length
			start = at
		}
		if start < len(text) {
			yield(text[start:], plainText)
		}
	}
}

// longestAt returns the length of the longest literal at the head of text, or 0.
func (a *addedTokens) longestAt(text string) (length int, id int64) {
	node := &a.root
	for i := range len(text) {
		if node = node.next[text[i]]; node == nil {
			break
		}
		if node.ends {
			length, id = i+1, node.id
		}
	}
	return length, id
}
