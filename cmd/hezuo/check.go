package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"hezuo/config"
	"hezuo/store"
)

type checkCommand struct{ common }

// Run proves the invariants over a store. The exit status is 1 if one is broken.
func (c *checkCommand) Run(w *world) error {
	return withHouse(w, c.common, func(h *house) error {
		report, err := h.check(w.ctx)
		if err != nil { // what was found may say why
			printFindings(w.stdout, report)
			return err
		}
		return printReport(w.stdout, report)
	})
}

// check has every room do its part, also where another could not do its own.
func (h *house) check(ctx context.Context) (*store.Report, error) {
	report := &store.Report{}
	var collections []store.Checked
	collections = append(collections, h.vault.Collections()...)
	collections = append(collections, h.identity.Collections()...)
	collections = append(collections, h.board.Collections()...)
	collections = append(collections, h.handshakes.Collection())
	collections = append(collections, h.agreements.Collections()...)
	parts := []func(context.Context, *store.Report) error{
		func(ctx context.Context, r *store.Report) error { return store.CheckLogs(ctx, h.db, r) },
		func(ctx context.Context, r *store.Report) error { return store.CheckTrails(ctx, h.db, collections, r) },
		h.vault.Check, h.identity.Check, h.board.Check, h.handshakes.Check, h.rooms.Check, h.agreements.Check,
	}
	var failed []error
	for _, part := range parts {
		failed = append(failed, part(ctx, report))
	}
	return report, errors.Join(failed...)
}

// printReport says what was counted and found.
func printReport(out io.Writer, r *store.Report) error {
	for _, what := range slices.Sorted(maps.Keys(r.Counted)) {
		_, _ = fmt.Fprintf(out, "%9d  %s\n", r.Counted[what], what)
	}
	printFindings(out, r)
	if n := len(r.Findings); n > 0 {
		_, _ = fmt.Fprintf(out, "%d findings: the store does not hold what the house promises\n", n)
		return exit(1)
	}
	_, _ = fmt.Fprintln(out, "every invariant holds")
	return nil
}

func printFindings(out io.Writer, r *store.Report) {
	for _, f := range r.Findings {
		_, _ = fmt.Fprintf(out, "BROKEN: %s\n        %s: %s\n", f.Invariant, f.Where, f.What)
	}
}

type configCommand struct {
	Check configCheck `cmd:"" help:"Say everything that is wrong with the configuration."`
	Doc   configDoc   `cmd:"" help:"Print every setting with its default and meaning."`
}

type configCheck struct{ common }

// Run says what is wrong, all at once.
func (c *configCheck) Run(w *world) error {
	cfg, err := c.load(w)
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w.stdout, "the configuration is sound")
	return nil
}

type configDoc struct{}

// Run prints the settings.
func (configDoc) Run(w *world) error { return config.Document(w.stdout) }

// command gives the command of an act at the command line.
func command(id string) store.Command {
	now := time.Now()
	return store.Command{ID: id + "/" + now.UTC().Format(time.RFC3339Nano), Actor: "system:console", From: node(), At: now}
}
