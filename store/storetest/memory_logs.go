package storetest

import (
	"context"
	"slices"
	"sort"
	"strings"

	"hezuo/store"
)

// memoryLog is one log.
type memoryLog struct {
	records []store.Record
	numbers map[string]int64 // by id
}

// log gives a log, which may be empty.
func (h *handle) log(name string) *memoryLog {
	if l := h.logs[name]; l != nil {
		return l
	}
	return &memoryLog{}
}

// number gives the number that an entry has in its log; 0: it is not there.
func (h *handle) number(e store.Entry) int64 { return h.log(e.Log).numbers[e.ID] }

func (h *handle) sealed(log string) bool {
	records := h.log(log).records
	return len(records) > 0 && records[len(records)-1].Seal
}

func (h *handle) add(e store.Entry) int64 {
	if n := h.number(e); n > 0 {
		return n
	}
	l := h.logs[e.Log]
	if l == nil {
		l = &memoryLog{numbers: map[string]int64{}}
		h.logs[e.Log] = l
	}
	e.At = e.At.UTC()
	e.Body = slices.Clone(e.Body)
	n := int64(len(l.records) + 1)
	l.records = append(l.records, store.Record{N: n, Entry: e})
	l.numbers[e.ID] = n
	return n
}

func (h *handle) Append(ctx context.Context, e store.Entry) (int64, error) {
	if err := h.enter(ctx); err != nil {
		return 0, err
	}
	defer h.mu.Unlock()
	if h.number(e) == 0 && h.sealed(e.Log) {
		return 0, store.ErrSealed
	}
	return h.add(e), nil
}

func (h *handle) Read(ctx context.Context, log string, after int64, limit int) ([]store.Record, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer h.mu.Unlock()
	records := h.log(log).records
	from := min(max(after, 0), int64(len(records)))
	records = records[from:]
	return slices.Clone(records[:min(len(records), limit)]), nil
}

func (h *handle) Logs(ctx context.Context, prefix, after string, limit int) ([]store.LogHead, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer h.mu.Unlock()
	var out []store.LogHead
	for log, l := range h.logs {
		if strings.HasPrefix(log, prefix) && log > after {
			n := int64(len(l.records))
			out = append(out, store.LogHead{Log: log, Last: n, Count: n, Sealed: h.sealed(log)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Log < out[j].Log })
	return out[:min(len(out), limit)], nil
}
