package module

import (
	"context"
	"errors"
	"fmt"

	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/moduletools"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/blob"
)

// A batch goes to the vectorizer in chunks of at most so many pages and bytes.
// One chunk's images are in memory twice, as base64 and decoded. 32 pages fill
// several runs of the model, so its pipeline does not drain between chunks.
const (
	chunkPages = 32
	chunkBytes = 64 << 20
)

// VectorizeObject embeds the image of one object. An object without its image is
// an error, as with the sibling modules: a page that was stored without a vector
// would never be found, and nobody would be told.
func (m *Module) VectorizeObject(ctx context.Context, object *models.Object, cfg moduletools.ClassConfig,
) ([][]float32, models.AdditionalProperties, error) {
	vectors, _, failed := m.VectorizeBatch(ctx, []*models.Object{object}, []bool{false}, cfg)
	if err := failed[0]; err != nil {
		return nil, nil, err
	}
	return vectors[0], nil, nil
}

// VectorizeBatch embeds the images of all objects but those marked in skip. An
// object that fails has an entry in the map of errors under its position, and
// does not touch the others.
func (m *Module) VectorizeBatch(ctx context.Context, objects []*models.Object, skip []bool, cfg moduletools.ClassConfig,
) ([][][]float32, []models.AdditionalProperties, map[int]error) {
	settings, err := settingsOf(cfg)
	if err == nil && len(objects) > 0 {
		err = m.checkModel(objects[0].Class, cfg)
	}
	b := &batch{
		objects:  objects,
		settings: settings,
		vectors:  make([][][]float32, len(objects)),
		failed:   map[int]error{},
	}
	for i := range objects {
		if skip[i] {
			continue
		}
		if err != nil {
			b.fail(i, err)
			continue
		}
		page, err := m.pageOf(objects[i], settings)
		if err != nil {
			b.failImage(i, refused(err))
			continue
		}
		b.add(i, page)
		if b.full() {
			m.embed(ctx, b)
		}
	}
	m.embed(ctx, b)
	return b.vectors, nil, b.failed
}

// errMissing is for an object without the property, or with null in it.
var errMissing = errors.New("image is missing: send a page image, base64-encoded, or send the object with its own vectors")

// pageOf reads the image out of an object.
func (m *Module) pageOf(object *models.Object, settings config.Vectorizer) ([]byte, error) {
	properties, _ := object.Properties.(map[string]any)
	text, ok := properties[settings.ImageField].(string)
	if !ok {
		return nil, errMissing
	}
	return blob.Decode(text, m.settings.MaxImageBytes)
}

// embed sends the chunk that b has gathered to the model.
func (m *Module) embed(ctx context.Context, b *batch) {
	if len(b.pages) == 0 {
		return
	}
	at, pages := b.take()
	embeddings, err := m.embedPages(ctx, pages)
	if err == nil {
		// It is for pages that are stored; a query by an image keeps its vectors.
		err = vectorizer.Reduction{DropNonImage: b.settings.DropNonImage, PoolFactor: b.settings.PoolFactor}.Apply(ctx, embeddings)
	}
	for i, position := range at {
		switch {
		case err != nil:
			b.fail(position, classify(err))
		case embeddings[i].Err != nil:
			b.failImage(position, classify(embeddings[i].Err))
		default:
			b.vectors[position] = embeddings[i].Vectors
		}
	}
}

// batch is the work of one VectorizeBatch: the results so far, and the chunk of
// pages that is being gathered.
type batch struct {
	objects  []*models.Object
	settings config.Vectorizer
	vectors  [][][]float32
	failed   map[int]error

	at    []int // positions of pages among objects
	pages [][]byte
	bytes int
}

func (b *batch) add(position int, page []byte) {
	b.at = append(b.at, position)
	b.pages = append(b.pages, page)
	b.bytes += len(page)
}

func (b *batch) full() bool { return len(b.pages) == chunkPages || b.bytes >= chunkBytes }

func (b *batch) take() (at []int, pages [][]byte) {
	at, pages = b.at, b.pages
	b.at, b.pages, b.bytes = nil, nil, 0
	return at, pages
}

// fail notes why one object has no vectors. In the answer to a batch import the
// error is all that a client gets, so it names the object.
func (b *batch) fail(position int, err error) {
	b.failed[position] = fmt.Errorf("object %s: %w", b.objects[position].ID, err)
}

// failImage is fail for what is wrong with the image itself.
func (b *batch) failImage(position int, err error) {
	b.fail(position, fmt.Errorf("property %q: %w", b.settings.ImageField, err))
}
