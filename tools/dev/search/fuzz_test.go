package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tailor-platform/graphql/language/ast"
	"github.com/tailor-platform/graphql/language/parser"
)

// FuzzLiteral checks that a question stays a question: whatever it says, GraphQL reads it as one string.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{
		"", "revenue of 2023", `"]}) { secret } }`, `\`, `\"`, "a\nb\r\t", "\u0000\u001f\u007f", "\u2028\u2029\ufeff", "<&>", "🐋", "\xff", `"""`, "#",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		document, err := parser.Parse(parser.ParseParams{Source: "{ a(b: [" + literal(text) + "]) }"})
		require.NoError(t, err)
		require.Len(t, document.Definitions, 1)
		selected := document.Definitions[0].(*ast.OperationDefinition).SelectionSet.Selections
		require.Len(t, selected, 1)
		arguments := selected[0].(*ast.Field).Arguments
		require.Len(t, arguments, 1)
		list := arguments[0].Value.(*ast.ListValue).Values
		require.Len(t, list, 1)
		read, ok := list[0].(*ast.StringValue)
		require.True(t, ok)
		require.Equal(t, string([]rune(text)), read.Value, "but for what is no UTF-8")
	})
}

// FuzzResult checks what is made of an object as a server returns it.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"title":"t","tags":["a",1,null],"pageNumber":3,"_additional":{"id":"1","distance":-1.5,"colpali":{"cut":0}}}`))
	f.Add([]byte(`{"title":null,"_additional":null}`))
	f.Add([]byte(`{"_additional":{"distance":1e400}}`))
	c := collection{shown: []string{"title", "tags", "pageNumber"}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var object map[string]json.RawMessage
		if json.Unmarshal(answer, &object) != nil {
			return
		}
		r, err := c.result(object)
		if err != nil {
			return
		}
		for _, p := range r.Properties {
			require.NotEmpty(t, p.Value)
			require.LessOrEqual(t, len(p.Value), maxValue+len("…"))
		}
		_, err = json.Marshal(r)
		require.NoError(t, err, "the page is sent it as JSON")
	})
}
