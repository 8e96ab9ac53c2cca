package vectorizer

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"weaviate-colpali/vectorizer/ort"
)

// device is the model on one device, and what fits into that one's memory.
type device struct {
	*graphs
	pageLimit, queryLimit limit
}

// loadDevices loads the model onto every device of the options. Where they leave the choice open, the
// first decides for all.
func loadDevices(model fs.FS, dir string, m *manifest, images imageMode, o Options) (_ []*device, err error) {
	var devices []*device
	defer func() {
		if err != nil {
			err = errors.Join(err, closeDevices(devices))
		}
	}()
	options := ort.Options{
		Library: o.Library, Device: o.Device, Threads: o.Threads, MemoryLimit: o.DeviceMemory, EngineCache: o.EngineCache,
	}
	for _, options.DeviceID = range o.DeviceIDs {
		g, err := loadGraphs(model, dir, m, images, options)
		if err != nil {
			return devices, fmt.Errorf("device %d: %w", options.DeviceID, err)
		}
		devices = append(devices, &device{graphs: g})
		if options.Device = g.runtime.Device(); !ort.Numbered(options.Device) {
			break // it is there once
		}
	}
	return devices, nil
}

func closeDevices(devices []*device) error {
	var errs []error
	for _, d := range devices {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}

// limit is how many items of a batch a device was found to have memory for; 0 means that it is not
// known to have a limit. What fits depends on what else is on the device, so it is only ever lowered.
type limit struct{ items atomic.Int64 }

// split runs the items from 0 to count in as few pieces as fit, and returns what each item gives. A piece's
// block holds as much for every item of it, in order; items of another piece may have more or less. A piece
// that is too large for the device is halved, down to one item, and so is every later one.
func (l *limit) split(count int, run func(from, to int) ([]float32, error)) ([][]float32, error) {
	items := make([][]float32, 0, count)
	for len(items) < count {
		piece := count - len(items)
		if most := int(l.items.Load()); most > 0 {
			piece = min(piece, most)
		}
		block, err := run(len(items), len(items)+piece)
		if errors.Is(err, ort.ErrMemory) && piece > 1 {
			l.items.Store(int64(piece / 2))
			continue
		}
		if err != nil {
			return nil, err
		}
		size := len(block) / piece
		for i := range piece {
			items = append(items, block[i*size:(i+1)*size])
		}
	}
	return items, nil
}
