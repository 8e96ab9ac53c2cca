package module

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"github.com/weaviate/weaviate/entities/moduletools"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"
)

// vectorForText embeds a nearText query. Several concepts are one query, joined
// by a space: MaxSim looks for each token of the query by itself, so a page is
// found by all of them together, whereas the average that single-vector modules
// take has no meaning here.
func (m *Module) vectorForText(ctx context.Context, params any, class string,
	_ modulecapabilities.FindVectorFn[[][]float32], cfg moduletools.ClassConfig,
) ([][]float32, error) {
	query, ok := params.(*nearText.NearTextParams)
	if !ok {
		return nil, fmt.Errorf("nearText: unexpected parameters of type %T", params)
	}
	if err := checkText(query); err != nil {
		return nil, refused(fmt.Errorf("nearText: %w", err))
	}
	if err := m.checkModel(class, cfg); err != nil {
		return nil, fmt.Errorf("nearText: %w", err)
	}
	vectors, err := m.embedQuery(ctx, strings.Join(query.Values, " "))
	if err != nil {
		return nil, fmt.Errorf("nearText: %w", err)
	}
	return vectors, nil
}

// VectorizeInput embeds the query of a hybrid search.
func (m *Module) VectorizeInput(ctx context.Context, input string, cfg moduletools.ClassConfig) ([][]float32, error) {
	if err := m.checkModel("", cfg); err != nil {
		return nil, err
	}
	return m.embedQuery(ctx, input)
}

// checkText refuses what has no meaning for a multi-vector. It is done here and
// not where arguments are parsed, since a collection with several vectorizers
// has one nearText for all of them, and only here it is known to be for us.
func checkText(query *nearText.NearTextParams) error {
	switch {
	case moves(query.MoveTo):
		return errors.New("moveTo is not supported: a query is a set of vectors, one per token, " +
			"and a set has no point that could be moved; put the words into the query instead")
	case moves(query.MoveAwayFrom):
		return errors.New("moveAwayFrom is not supported: a query is a set of vectors, one per token, " +
			"and a set has no point that could be moved; exclude pages by a where filter instead")
	case query.Autocorrect:
		return errors.New("autocorrect is not supported: the words on a page need not be in a dictionary; " +
			"leave it out and the query is searched as typed")
	case query.Certainty != 0:
		return errCertainty
	default:
		return nil
	}
}

func moves(move nearText.ExploreMove) bool {
	return move.Force != 0 || len(move.Values) > 0 || len(move.Objects) > 0
}
