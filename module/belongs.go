package module

import (
	"fmt"

	"github.com/weaviate/weaviate/entities/moduletools"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
)

// checkModel refuses a collection of another model than the one that runs: a score of vectors of two
// models means nothing, and looks like one that does. name is the collection's, "" where the caller does not
// know it. cfg is nil in calls that concern no collection.
func (m *Module) checkModel(name string, cfg moduletools.ClassConfig) error {
	if cfg == nil {
		return nil
	}
	settings, err := settingsOf(cfg)
	if err != nil {
		return err
	}
	loaded, err := m.running()
	if err != nil {
		return err
	}
	running := loaded.Model()
	switch settings.Manifest {
	case running.ManifestHash:
	case "":
		m.noteUnmarked(name, cfg.TargetVector(), running)
	default:
		return refused(otherModel(settings, running))
	}
	return nil
}

func otherModel(settings config.Vectorizer, running vectorizer.Model) error {
	return fmt.Errorf("the collection belongs to model %q with manifest %s, but the server runs %q with manifest %s, "+
		"and their vectors cannot be compared: start the server with the collection's model (COLPALI_MODEL_DIR), "+
		"or import the pages into a new collection", settings.ModelName, settings.Manifest, running.Name, running.ManifestHash)
}

// noteUnmarked says once of each collection that what it belongs to is taken on trust.
func (m *Module) noteUnmarked(name, vector string, running vectorizer.Model) {
	if name == "" {
		return
	}
	if _, said := m.unmarked.LoadOrStore(name+"."+vector, nil); said {
		return
	}
	m.log.WithField("action", "check_model").WithField("module", Name).WithField("class", name).
		Infof("vector %q is of before collections kept the manifest of their model: it is taken to belong to model %s, manifest %s",
			vector, running.Name, running.ManifestHash)
}
