package multivector

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
	"weaviate-colpali/multivector/internal/format"
)

// trainSeed makes every training of the same documents the same.
const trainSeed = 1

func newGeneration(book *codebook.Codebook, documents int, file uint64) *generation {
	return &generation{file: file, documents: documents, codebook: book, centroids: book.Int8()}
}

// train trains centroids when it is time.
func (x *Index) train(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	g, documents, parts := x.generation, len(x.where), slices.Clone(x.parts)
	x.mu.RUnlock()
	if g == nil && documents < x.limits.trainDocuments {
		return false, nil
	}
	if g == nil || documents >= x.limits.retrainGrowth*g.documents || g.drifted(documents, x.limits) {
		return true, x.newGeneration(ctx, parts, documents)
	}
	return false, nil
}

// recodeNext gives codes to a part that has none of the newest generation, or such of an
// older program that do not tell the rows.
func (x *Index) recodeNext(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	g, parts := x.generation, slices.Clone(x.parts)
	x.mu.RUnlock()
	if g == nil {
		return false, nil
	}
	for _, p := range parts {
		if c := p.coded.Load(); c == nil || c.generation != g || !c.tellsRows() {
			return true, x.recode(ctx, p, g)
		}
	}
	return false, nil
}

// newGeneration trains a codebook. From now on new parts are coded with it.
func (x *Index) newGeneration(ctx context.Context, parts []*part, documents int) error {
	centroids := x.limits.centroids(documents)
	if err := x.memory(x.trainingBytes(parts, centroids)); err != nil {
		return fmt.Errorf("%w: train centroids: %w", errPutOff, err)
	}
	book, err := codebook.Train(ctx, sample(parts, x.knownDim(), x.limits.sampleRows), codebook.Options{
		Centroids: centroids, Seed: trainSeed,
	})
	if err != nil {
		return err
	}
	g := newGeneration(book, documents, 0)
	if x.files != nil {
		if err := x.files.writeGeneration(g); err != nil {
			return err
		}
	}
	x.mu.Lock()
	before, tuned := x.generation, x.forgetTuning()
	x.generation = g
	x.mu.Unlock()
	if before != nil {
		x.files.remove(format.KindTuning, tuned)
		x.removeUnneeded(before)
	}
	x.logger.Info("trained the index's centroids", "documents", documents, "centroids", book.Len(), "mean_cosine", book.MeanCosine())
	return nil
}

// trainingBytes is what a training takes in memory, nearly all of it its sample. The
// centroids are there twice, as they grow out of their cells.
func (x *Index) trainingBytes(parts []*part, centroids int) int64 {
	rows := 0
	for _, p := range parts {
		for row := range p.Documents() {
			rows += p.Document(row).Rows()
		}
	}
	return 4 * int64(x.knownDim()) * int64(min(rows, x.limits.sampleRows)+2*centroids)
}

// sample is at most so many rows of the parts' documents, the same for the same
// documents.
func sample(parts []*part, dim, most int) maxsim.Matrix {
	var all []pick
	rows := 0
	for _, p := range parts {
		for row := range p.Documents() {
			if !p.dead.has(row) {
				all = append(all, p.pick(uint32(row), 0, nil))
				rows += p.Document(row).Rows()
			}
		}
	}
	r := rand.New(rand.NewPCG(trainSeed, trainSeed))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	// Grown by append, 134 MB would be copied again and again, and a copy of so much cannot
	// be interrupted.
	m := maxsim.Matrix{Dim: dim, Data: make([]float32, 0, min(rows, most)*dim)}
	for _, p := range all {
		runtime.Gosched()
		if len(m.Data) >= most*dim {
			break
		}
		if !p.sound(p.row) {
			continue
		}
		doc := p.Document(p.row)
		// Every row of a few pages would show few topics: some rows of many pages.
		share := max(1, doc.Rows()*most/max(rows, most))
		for range min(share, doc.Rows()) {
			if row := r.IntN(doc.Rows()); doc.Scales[row] > 0 {
				m.Data = doc.AppendRow(m.Data, row)
			}
		}
	}
	return m
}

// recode gives a part the codes of a generation.
func (x *Index) recode(ctx context.Context, p *part, g *generation) error {
	// The training has seen these documents: none is a stranger.
	c, _, err := g.code(ctx, p, -math.MaxFloat32)
	if err != nil {
		return err
	}
	before := p.coded.Load()
	if err := x.setCodes(p, c); err != nil {
		return err
	}
	if before != nil {
		x.removeUnneeded(before.generation)
	}
	return nil
}
