package sqlite

import (
	"fmt"
	"runtime/debug"
)

// group is the callers that one transaction serves.
type group struct {
	w    *writer
	tx   *tx
	ops  []*op
	errs []error // of each op's own part
	// doubt is set where it is not known whether the group was committed.
	doubt bool
}

// run does the part of each caller that waits, and commits. Callers that come
// meanwhile are served too, up to the bounds.
func (g *group) run() error {
	size := 0
	for len(g.ops) < g.w.db.opts.MaxGroup && size < g.w.db.opts.MaxGroupBytes {
		o := g.w.db.queue.take()
		if o == nil {
			break
		}
		if err := o.ctx.Err(); err != nil {
			o.answer(err) // it has left, or is about to
			continue
		}
		size += o.size
		err, broken := g.part(o)
		g.ops, g.errs = append(g.ops, o), append(g.errs, err)
		if broken != nil {
			g.w.disconnect() // which rolls back
			return unavailable("the store could not be written; nothing was changed", broken)
		}
	}
	return g.commit()
}

// part does one caller's part. broken is an error that leaves the transaction of
// no use to anybody.
func (g *group) part(o *op) (err, broken error) {
	t := g.tx
	t.part, t.changed = t.part[:0], false
	defer func() {
		if err == nil && broken == nil {
			for _, p := range t.part {
				t.grown[p.log] = max(p.n, t.grown[p.log])
			}
		}
	}()
	err = safely(func() error { return o.do(t) })
	if isFatal(err) {
		return err, err
	}
	if !t.changed {
		return err, nil
	}
	if err != nil {
		broken = t.c.exec("ROLLBACK TO part")
	}
	if broken == nil {
		broken = t.c.exec("RELEASE part")
	}
	return err, broken
}

// safely calls what may call foreign code, and turns its panic into an error.
func safely(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// commit makes the group's parts last.
func (g *group) commit() error {
	err := g.w.db.opts.hooks.commit(func() error { return g.tx.c.exec("COMMIT") })
	if err == nil {
		return nil
	}
	// What COMMIT wrote before it failed may be found whole after a crash, unless
	// it did not come to write at all.
	g.doubt = !isBusy(err)
	g.w.disconnect()
	if g.doubt {
		return err
	}
	return unavailable("the store could not be written; nothing was changed", err)
}

// answer tells the callers what came of it. err is why the group is not
// committed, or may not be.
func (g *group) answer(err error) {
	if err == nil {
		for i, o := range g.ops {
			if g.errs[i] == nil && o.after != nil {
				o.after()
			}
		}
		for i, o := range g.ops {
			o.answer(g.errs[i])
		}
		g.w.db.publish.add(g.tx.grown)
		return
	}
	g.w.log.Error("a group of writes failed", "store", g.w.db.opts.Path, "callers", len(g.ops), "unknown", g.doubt, "error", err)
	for i, o := range g.ops {
		switch {
		case g.errs[i] != nil && g.doubt:
			// It wrote nothing, but why not may have been another caller's doing,
			// which may be undone.
			o.answer(unavailable("the store could not be written; nothing was changed", err))
		case g.doubt:
			o.answer(unknown(err))
		default:
			o.answer(err)
		}
	}
}
