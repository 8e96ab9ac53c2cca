package explain

import (
	"fmt"

	"github.com/tailor-platform/graphql"
)

// Field is the property in GraphQL. Types of GraphQL have one name for all collections, so it begins
// with the collection's.
func Field(class string) *graphql.Field {
	object := func(name string, fields graphql.Fields) *graphql.Object {
		return graphql.NewObject(graphql.ObjectConfig{Name: fmt.Sprintf("%sAdditionalColPali%s", class, name), Fields: fields})
	}
	field := func(of graphql.Output, description string) *graphql.Field {
		return &graphql.Field{Type: of, Description: description}
	}
	argument := func(of graphql.Input, description string) *graphql.ArgumentConfig {
		return &graphql.ArgumentConfig{Type: of, Description: description}
	}
	return &graphql.Field{
		Description: "Why the page matches: its score, what each query token adds to it, and where on the page",
		Args: graphql.FieldConfigArgument{
			"query":        argument(graphql.String, "What to explain; by default what was searched for"),
			"targetVector": argument(graphql.String, "The named vector; by default the one that was searched"),
			"token":        argument(graphql.Int, "Draw the map of this query token; by default of the whole query"),
			"width":        argument(graphql.Int, fmt.Sprintf("Of a PNG, in pixels, at most %d; default %d", MaxWidth, DefaultWidth)),
			"format": argument(graphql.NewEnum(graphql.EnumConfig{
				Name:   fmt.Sprintf("%sAdditionalColPaliFormat", class),
				Values: graphql.EnumValueConfigMap{PNG: {Value: PNG}, SVG: {Value: SVG}},
			}), "Of image; without one there is none"),
		},
		Type: object("", graphql.Fields{
			"score": field(graphql.Float, "MaxSim of the query and the stored vectors; the negative of distance"),
			"searched": field(object("Searched", graphql.Fields{
				"certified":  field(graphql.Boolean, "Nothing better was left out: the results equal brute force"),
				"candidates": field(graphql.Int, "Live pages that passed the filter"),
				"centroids":  field(graphql.Int, "Centroids that the query was compared with"),
				"scanned":    field(graphql.Int, "Pages estimated by their centroids"),
				"reranked":   field(graphql.Int, "Pages scored by 8-bit codes"),
				"scored":     field(graphql.Int, "Pages scored with their stored vectors"),
			}), "What the searches of all shards did together; null where no index of this module was asked"),
			"tokens": field(graphql.NewList(object("Token", graphql.Fields{
				"text":   field(graphql.String, "The token; null for a query given as vectors"),
				"prompt": field(graphql.Boolean, "It is the model's, not the query's; the map of the whole query leaves it out"),
				"score":  field(graphql.Float, "Its largest similarity to any vector of the page; the scores add up to score"),
				"column": field(graphql.Int, "The patch that it matched; null where it matched no patch"),
				"row":    field(graphql.Int, "The patch that it matched; null where it matched no patch"),
			})), "The query's tokens"),
			"cut": field(graphql.Int, "Tokens at the query's end that the model takes no more of: nothing searched for them"),
			"map": field(object("Map", graphql.Fields{
				"width":  field(graphql.Int, "Patches in a row"),
				"height": field(graphql.Int, "Patches in a column"),
				"values": field(graphql.NewList(graphql.Float), "Similarities, row by row from the top left"),
			}), "The similarity map"),
			"image":  field(graphql.String, "PNG: the page with its map, base64; SVG: the map to lay over the page"),
			"reason": field(graphql.String, "Why there is no map or image"),
		}),
	}
}
