package market

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hezuo/store"
	"hezuo/vault"
)

// What the room promises; in the words of a finding.
const (
	teamInvariant     = "a team is never promised beyond its headcount on any day"
	jobInvariant      = "a job is never filled beyond its demand"
	lookInvariant     = "no lower tier is admitted before the first look closed"
	deadlineInvariant = "a deadline takes effect once, and nothing that it cut off happens after it"
	sealedInvariant   = "personal data is in the clear nowhere but in an answer to one who may see it"
)

// Check is the room's part of hezuo check: what each document proves by itself
// and by its trail. What a job or a team has of a handshake is compared with the
// handshake by the room matching. The trails are checked by [store.CheckTrails]
// over [Board.Collections]. Errors, where the check could not be made: those of
// the store and of the KMS.
func (b *Board) Check(ctx context.Context, report *store.Report) error {
	all := store.Range{Limit: 500}
	if err := b.Teams.Each(ctx, all, func(it store.Item[Team]) error {
		checkTeam(&it.Doc, "teams/"+it.ID, report)
		return nil
	}); err != nil {
		return fmt.Errorf("market: check: %w", err)
	}
	if err := b.Jobs.Each(ctx, all, func(it store.Item[Job]) error {
		checkJob(&it.Doc, "jobs/"+it.ID, report)
		return b.checkJobTrail(ctx, it, report)
	}); err != nil {
		return fmt.Errorf("market: check: %w", err)
	}
	if err := b.parties.Each(ctx, all, func(it store.Item[Party]) error { return b.checkParty(ctx, it, report) }); err != nil {
		return fmt.Errorf("market: check: %w", err)
	}
	return nil
}

// checkTeam counts what is promised, day by day.
func checkTeam(t *Team, where string, report *store.Report) {
	report.Count("team promises", len(t.Holds))
	worst, on := 0, Date("")
	for _, h := range t.Holds {
		if h.People < 0 || h.People > 0 && h.Period.Validate("") != nil {
			report.Find(teamInvariant, where, "a promise is not of people and days")
			return
		}
		n, day := 0, h.Period.From // the number rises only where a promise begins
		for _, o := range t.Holds {
			if !o.Over && o.Period.From <= day && day <= o.Period.To {
				n += o.People
			}
		}
		if n > worst || n == worst && day < on {
			worst, on = n, day
		}
	}
	if worst > t.Post.Headcount {
		report.Find(teamInvariant, where, "%d of %d people are promised on %s", worst, t.Post.Headcount, on)
	}
}

// checkJob compares a job's places with its demand, and the order of its count
// with the first look's.
func checkJob(j *Job, where string, report *store.Report) {
	report.Count("job admissions", len(j.Admitted))
	if n := j.Claimed(); n > j.Post.Headcount {
		report.Find(jobInvariant, where, "%d of %d places are claimed", n, j.Post.Headcount)
	}
	if full := j.Free() <= 0; j.State == JobFilled && !full || j.State == JobOpen && full {
		report.Find(jobInvariant, where, "it is %s with %d free places", j.State, j.Free())
	}
	live, seen, ticks := map[string]bool{}, map[string]bool{}, map[int64]bool{}
	for _, a := range j.Admitted {
		if seen[a.Handshake] {
			report.Find(jobInvariant, where, "the handshake %s was admitted twice", a.Handshake)
		}
		seen[a.Handshake] = true
		if a.State == AdmittedOut || a.State == AdmittedHas {
			if live[a.Team] {
				report.Find(jobInvariant, where, "the team %s is in it twice", a.Team)
			}
			live[a.Team] = true
		}
		if a.People < 1 && a.State != AdmittedNot {
			report.Find(jobInvariant, where, "the handshake %s was admitted with no people", a.Handshake)
		}
		if (a.Tick == 0) != (a.State == AdmittedNot) || a.Tick > j.Ticks || a.Tick > 0 && ticks[a.Tick] {
			report.Find(lookInvariant, where, "the handshake %s was admitted at no time of the job's count", a.Handshake)
		}
		ticks[a.Tick] = true
		if a.Tick > 0 && a.Tier != 1 && (j.LookOpen() || j.Look == nil || a.Tick <= j.Look.Tick) {
			report.Find(lookInvariant, where, "the handshake %s of tier %d was admitted before", a.Handshake, a.Tier)
		}
	}
	checkLook(j, where, report)
}

// checkLook compares the record of a first look with what it says of itself.
func checkLook(j *Job, where string, report *store.Report) {
	look := j.Look
	if look == nil {
		if !j.Opened.IsZero() {
			report.Find(lookInvariant, where, "it was opened without the record of a first look")
		}
		return
	}
	report.Count("first looks", 1)
	if (look.Closed == "") != (look.Tick == 0) || look.Tick > j.Ticks {
		report.Find(lookInvariant, where, "the first look closed at no time of the job's count")
	}
	if look.Closed == "" && j.State != JobOpen {
		report.Find(lookInvariant, where, "the first look is open in a job that is %s", j.State)
	}
	off := j.Settings.FirstLookOff
	switch look.Closed {
	case LookOff:
		if off == nil || checkText("", off.Reason, 1, 500) != nil || !off.Until.After(look.Opened) {
			report.Find(lookInvariant, where, "the first look was switched off without a reason and an end on record")
		}
	case LookAnswered:
		if len(look.Teams) == 0 || !j.allAnswered() {
			report.Find(lookInvariant, where, "the first look closed as if all had answered")
		}
	case LookNobody:
		if len(look.Teams) > 0 || !look.Listed {
			report.Find(lookInvariant, where, "the first look closed as if there were no team")
		}
	case "", LookTime, LookJobOver:
	default:
		report.Find(lookInvariant, where, "the first look closed for no reason that there is")
	}
	if look.Closed != LookOff && !look.Ends.After(look.Opened) {
		report.Find(lookInvariant, where, "the first look had no time")
	}
}

// checkJobTrail compares a job with the times in its trail: what its deadlines cut
// off, and that each took effect once.
func (b *Board) checkJobTrail(ctx context.Context, it store.Item[Job], report *store.Report) error {
	j, where := it.Doc, "jobs/"+it.ID
	var expired, closed int
	whole, err := trail(ctx, b.Jobs.DB(), b.Jobs.Name(), it.ID, it.Rev, func(at time.Time, rec store.AuditRecord) {
		switch rec.Act {
		case "job.admit":
			if !at.Before(j.Post.Deadline) {
				report.Find(deadlineInvariant, where, "revision %d admitted a handshake after the post's deadline", rec.Rev)
			}
		case "job.expire":
			expired++
			if at.Before(j.Post.Deadline) {
				report.Find(deadlineInvariant, where, "it expired before the post's deadline")
			}
		case "job.look_closed":
			closed++
			if j.Look == nil || at.Before(j.Look.Ends) {
				report.Find(deadlineInvariant, where, "its first look ran out before its end")
			}
		}
	})
	if err != nil || !whole {
		return err
	}
	once := func(done bool) int {
		if done {
			return 1
		}
		return 0
	}
	if expired != once(j.State == JobExpired) {
		report.Find(deadlineInvariant, where, "it is %s, and expired %d times", j.State, expired)
	}
	if closed != once(j.Look != nil && j.Look.Closed == LookTime) {
		report.Find(deadlineInvariant, where, "its first look ran out %d times", closed)
	}
	return nil
}

// trail reads a document's audit trail up to a revision, and reports whether it
// goes so far; that it does is for the check of the trails to say.
func trail(ctx context.Context, db store.DB, collection, id string, rev int64, fn func(time.Time, store.AuditRecord)) (bool, error) {
	whole := false
	for after := int64(0); ; {
		records, err := db.Read(ctx, store.AuditLog(collection, id), after, 500)
		if err != nil {
			return false, err
		}
		for _, r := range records {
			after = r.N
			var rec store.AuditRecord
			if json.Unmarshal(r.Body, &rec) == nil && rec.Rev <= rev {
				whole = whole || rec.Rev == rev
				fn(r.At, rec)
			}
		}
		if len(records) < 500 {
			return whole, nil
		}
	}
}

// checkParty proves that what a party has sealed opens under its own key, unless
// that was destroyed.
func (b *Board) checkParty(ctx context.Context, it store.Item[Party], report *store.Report) error {
	p, where := it.Doc, "parties/"+it.ID
	if (p.Kind == Individual) != (p.CreditCode == "") {
		report.Find("a party is who it says", where, "it is a %s, and its credit code says otherwise", p.Kind)
	}
	if len(p.People) == 0 || slices.Contains(p.People, "") {
		report.Find("a party is who it says", where, "nobody acts for it")
	}
	for field, sealed := range map[string]vault.Sealed{
		fieldFullName: p.FullName, fieldIdentityNumber: p.IdentityNumber, fieldRepresentative: p.Representative,
		fieldContactName: p.ContactName, fieldContactPhone: p.ContactPhone,
	} {
		_, err := b.vault.Open(ctx, it.ID, field, sealed)
		switch {
		case err == nil || errors.Is(err, vault.ErrDestroyed):
		case errors.Is(err, vault.ErrBroken) || errors.Is(err, store.ErrNotFound):
			report.Find(sealedInvariant, where, "%s cannot be opened", field)
		default:
			return err
		}
	}
	return nil
}
