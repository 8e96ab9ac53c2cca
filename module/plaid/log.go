package plaid

import (
	"context"
	"log/slog"

	"github.com/sirupsen/logrus"
)

// logHandler writes what the index has to say to Weaviate's log.
type logHandler struct{ logger logrus.FieldLogger }

func (h logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h logHandler) Handle(_ context.Context, record slog.Record) error {
	logger := h.logger.WithField("action", "plaid_index")
	record.Attrs(func(a slog.Attr) bool {
		logger = logger.WithField(a.Key, a.Value.Any())
		return true
	})
	switch {
	case record.Level >= slog.LevelError:
		logger.Error(record.Message)
	case record.Level >= slog.LevelWarn:
		logger.Warn(record.Message)
	default:
		logger.Info(record.Message)
	}
	return nil
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	logger := h.logger
	for _, a := range attrs {
		logger = logger.WithField(a.Key, a.Value.Any())
	}
	return logHandler{logger}
}

// WithGroup does not group: Weaviate's fields are flat.
func (h logHandler) WithGroup(string) slog.Handler { return h }
