package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Finding is one thing that a check found wrong.
type Finding struct {
	Invariant string // which of the house's invariants it breaks
	Where     string // the document or log
	What      string // in words, without personal data
}

// Report is what a check counted and found.
type Report struct {
	Counted  map[string]int
	Findings []Finding
}

// Count adds to a line of the report.
func (r *Report) Count(what string, n int) {
	if r.Counted == nil {
		r.Counted = map[string]int{}
	}
	r.Counted[what] += n
}

// Find adds a finding.
func (r *Report) Find(invariant, where, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{invariant, where, fmt.Sprintf(format, args...)})
}

// Checked is the part of a [Collection] that [CheckTrails] needs.
type Checked interface {
	Name() string
	Audited() bool
}

// CheckLogs proves that every log is gapless: its newest number is its count.
func CheckLogs(ctx context.Context, db DB, report *Report) error {
	after := ""
	for {
		heads, err := db.Logs(ctx, "", after, 1000)
		if err != nil {
			return err
		}
		for _, h := range heads {
			after = h.Log
			report.Count("logs", 1)
			report.Count("log entries", int(h.Count))
			if h.Count != h.Last {
				report.Find("a log has no gaps", h.Log, "%d entries, numbered up to %d", h.Count, h.Last)
			}
		}
		if len(heads) < 1000 {
			return nil
		}
	}
}

// CheckTrails proves of every document of the audited collections that its trail
// has one record for each revision, that the records are chained, and that the
// last one names the document as it is.
func CheckTrails(ctx context.Context, db DB, collections []Checked, report *Report) error {
	for _, c := range collections {
		if !c.Audited() {
			continue
		}
		q := Query{Collection: c.Name(), Limit: 500}
		for {
			found, err := db.Find(ctx, q)
			if err != nil {
				return err
			}
			for _, m := range found {
				report.Count(c.Name(), 1)
				if err := checkTrail(ctx, db, m.Doc, report); err != nil {
					return err
				}
				q.AfterKey, q.AfterID = m.Key, m.Doc.ID
			}
			if len(found) < q.Limit {
				break
			}
		}
	}
	return nil
}

const trailInvariant = "every change of state is in its document's audit trail"

// checkTrail walks one document's trail. The document was read first: what came
// to the trail since is checked too, but not against the document.
func checkTrail(ctx context.Context, db DB, d *Document, report *Report) error {
	log := AuditLog(d.Collection, d.ID)
	var rev int64
	var prev string
	for after := int64(0); ; {
		records, err := db.Read(ctx, log, after, 500)
		if err != nil {
			return err
		}
		for _, r := range records {
			after = r.N
			rec, ok := readAudit(r)
			if !ok {
				report.Find(trailInvariant, log, "record %d cannot be read", r.N)
				return nil
			}
			rev++
			if rec.Rev != rev || rec.Prev != prev {
				report.Find(trailInvariant, log, "record %d is of revision %d, and not chained to the one before, of revision %d", r.N, rec.Rev, rev-1)
				return nil
			}
			if prev, err = Hash(r.Body); err != nil {
				return err
			}
			if rev == d.Rev {
				checkHead(d, rec, prev, log, report)
			}
		}
		if len(records) < 500 {
			break
		}
	}
	if rev < d.Rev {
		report.Find(trailInvariant, log, "ends at revision %d of %d", rev, d.Rev)
	}
	return nil
}

// readAudit takes an audit record out of its entry.
func readAudit(r Record) (rec AuditRecord, ok bool) {
	err := json.Unmarshal(r.Body, &rec)
	return rec, err == nil
}

// checkHead compares a document with the audit record of its revision.
func checkHead(d *Document, rec AuditRecord, head, log string, report *Report) {
	if d.Head != head {
		report.Find(trailInvariant, log, "the document names another record as its newest")
	}
	body := ""
	if !d.Deleted {
		h, err := Hash(d.Body)
		if err != nil {
			report.Find(trailInvariant, log, "the document cannot be read")
			return
		}
		body = h
	}
	if rec.Body != body {
		report.Find(trailInvariant, strings.TrimPrefix(log, auditPrefix), "the document is not the one that its newest record names")
	}
}
