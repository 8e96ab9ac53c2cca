package acceptance

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/filters"
	"github.com/weaviate/weaviate/entities/models"
)

// writer changes objects of its own, by numbers, at random, until the server is gone, and keeps book
// of what the server has acknowledged.
type writer struct {
	*node
	random *rand.Rand
	ending *atomic.Bool // whether the server is about to end, so that operations may fail
	topic  matrix       // directions of the rows of new objects

	oldest, next int // numbers that objects may have: from oldest, below next

	// again is numbers of objects whose import was cut and that are stored all the same. A filter may
	// miss them, and so may a delete by a filter: Weaviate writes an object first and then what
	// filters look at, and repairs nothing. They are imported once more, as a client would.
	again []int

	acknowledged map[string]matrix   // what must be stored, by object id
	uncertain    map[string][]matrix // of operations that were cut: what may be stored instead, nil: nothing
}

// run writes until the server is gone. An upheaval comes first: many objects of a new topic, in
// place of the oldest ones.
func (w *writer) run(t *testing.T, upheaves bool) {
	if upheaves || w.topic == nil {
		w.topic = randomMatrix(w.random, 60, matrixDim)
	}
	again := w.again
	w.again = nil
	err := w.store(t, again...)
	for last := w.next + upheaval; upheaves && err == nil && w.next < last; {
		if err = w.add(t, 50); err == nil && len(w.acknowledged) > fewest {
			err = w.removeOldest(t, 50)
		}
	}
	for err == nil {
		switch choice := w.random.IntN(10); {
		case len(w.acknowledged) < fewest:
			err = w.add(t, 50)
		case len(w.acknowledged) > most:
			err = w.removeOldest(t, 50)
		case choice < 4:
			err = w.add(t, 1+w.random.IntN(5))
		case choice < 8:
			err = w.store(t, w.any()) // replaces, or brings back
		default:
			err = w.remove(t, w.any())
		}
	}
	if !w.ending.Load() {
		t.Errorf("an operation failed on a running server: %v", err)
	}
}

// any is the number of an object that is there, or was.
func (w *writer) any() int { return w.oldest + w.random.IntN(w.next-w.oldest) }

// add imports new objects.
func (w *writer) add(t *testing.T, count int) error {
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = w.next
		w.next++
	}
	return w.store(t, numbers...)
}

// store imports objects, over those that have their numbers.
func (w *writer) store(t *testing.T, numbers ...int) error {
	if len(numbers) == 0 {
		return nil
	}
	objects := make([]*models.Object, len(numbers))
	for i, number := range numbers {
		objects[i] = matrixObject(killedClass, number, w.matrix())
	}
	client := w.rest
	if w.random.IntN(2) == 0 {
		client = w.grpc
	}
	answers, err := client.Batch().ObjectsBatcher().WithObjects(objects...).Do(t.Context())
	for i, object := range objects {
		id, stored := object.ID.String(), object.Vectors[ownVector].(matrix)
		switch {
		case err != nil:
			w.uncertain[id] = append(w.uncertain[id], stored)
		case failure(answers[i]) != "":
			w.uncertain[id] = append(w.uncertain[id], stored)
			if !w.ending.Load() {
				t.Errorf("object %s failed on a running server: %s", id, failure(answers[i]))
			}
		default:
			w.acknowledged[id] = stored
			delete(w.uncertain, id)
		}
	}
	return err
}

// matrix is rows near directions of the topic.
func (w *writer) matrix() matrix {
	m := make(matrix, 4+w.random.IntN(17))
	for i := range m {
		m[i] = near(w.random, w.topic[w.random.IntN(len(w.topic))], 0.4)
	}
	return m
}

func (w *writer) remove(t *testing.T, number int) error {
	id := uuid(number).String()
	if _, ok := w.acknowledged[id]; !ok {
		return nil
	}
	err := w.rest.Data().Deleter().WithClassName(killedClass).WithID(id).Do(t.Context())
	w.removed(err, id)
	return err
}

// removeOldest deletes the objects of so many of the smallest numbers, by one request.
func (w *writer) removeOldest(t *testing.T, count int) error {
	end := w.oldest + count
	number := func(o filters.WhereOperator, value int) *filters.WhereBuilder {
		return filters.Where().WithPath([]string{"number"}).WithOperator(o).WithValueInt(int64(value))
	}
	var gone []string
	for ; w.oldest < end; w.oldest++ {
		gone = append(gone, uuid(w.oldest).String())
	}
	response, err := w.rest.Batch().ObjectsBatchDeleter().WithClassName(killedClass).WithWhere(filters.Where().
		WithOperator(filters.And).WithOperands([]*filters.WhereBuilder{
		number(filters.GreaterThanEqual, end-count), number(filters.LessThan, end),
	})).Do(t.Context())
	if err == nil && response.Results.Failed > 0 && !w.ending.Load() {
		t.Errorf("%d of %d deletes failed on a running server", response.Results.Failed, response.Results.Matches)
	}
	if err == nil && response.Results.Failed > 0 {
		err = errNotAll
	}
	if err != nil {
		w.oldest -= count // some may be there
	}
	w.removed(err, gone...)
	return err
}

var errNotAll = errors.New("some objects were not deleted")

// removed notes what became of a delete.
func (w *writer) removed(err error, ids ...string) {
	for _, id := range ids {
		if err == nil {
			delete(w.acknowledged, id)
			delete(w.uncertain, id)
		} else {
			w.uncertain[id] = append(w.uncertain[id], nil)
		}
	}
}

// requireStored takes the objects of this writer out of what is stored. They must be those that were
// acknowledged; one that an operation was cut at may be as before or as after. As they are is then
// what must be stored from now on.
func (w *writer) requireStored(t *testing.T, stored map[string]matrix) {
	t.Helper()
	for id, possible := range w.uncertain {
		found := stored[id]
		possible = append(possible, w.acknowledged[id])
		require.True(t, slices.ContainsFunc(possible, func(m matrix) bool { return equal(m, found) }),
			"%s is neither as it was nor as it was to become", id)
		delete(w.acknowledged, id)
		if found != nil {
			w.acknowledged[id] = found
			number, err := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:])
			require.NoError(t, err)
			w.again = append(w.again, number)
		}
	}
	clear(w.uncertain)
	for id, want := range w.acknowledged {
		require.Equal(t, want, stored[id], "%s is not as it was acknowledged", id)
		delete(stored, id)
	}
}

func equal(a, b matrix) bool { return slices.EqualFunc(a, b, slices.Equal[[]float32]) }
