package market

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hezuo/fault"
	"hezuo/notify"
	"hezuo/store"
)

// jobSpec says how jobs are kept and found.
func jobSpec() store.Spec[Job] {
	return store.Spec[Job]{Name: "jobs", Indexes: []store.Index[Job]{
		{Name: "employer", Version: 1, Keys: func(_ string, j *Job) []store.Key {
			return []store.Key{store.K(j.Employer, j.Created)}
		}},
		{Name: "state", Version: 1, Keys: func(_ string, j *Job) []store.Key {
			return []store.Key{store.K(j.Market, string(j.State), j.Created)}
		}},
		{Name: "trade", Version: 1, Keys: func(_ string, j *Job) []store.Key {
			if j.State != JobOpen {
				return nil
			}
			return []store.Key{store.K(j.Post.Trade, j.Market, j.Opened)}
		}},
		{Name: "next", Version: 1, Keys: func(_ string, j *Job) []store.Key {
			if next := j.Next(); !next.IsZero() {
				return []store.Key{store.K(next)}
			}
			return nil
		}},
	}}
}

// CreateJob writes a draft for an employer that the caller acts for. Errors:
// faults on the post's fields.
func (b *Board) CreateJob(ctx context.Context, by Caller, cmd store.Command, employer string, post JobPost) (store.Item[Job], error) {
	party, err := b.parties.Get(ctx, employer)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !by.ActsFor(employer):
		return store.Item[Job]{}, fault.Field("employer", "you act for no such party", "take the id of one of your parties, from /v1/me/parties")
	case err != nil:
		return store.Item[Job]{}, err
	case !party.Doc.Kind.Employs():
		return store.Item[Job]{}, fault.Field("employer", "a cooperative or agency posts teams, not jobs", "register the employer as a party of kind company or individual")
	}
	if err := post.Validate(cmd.At); err != nil {
		return store.Item[Job]{}, err
	}
	return b.Jobs.Create(ctx, store.DeriveID("j", by.Person, cmd.ID), cmd, func(j *Job) ([]store.Entry, error) {
		*j = Job{Market: party.Doc.Market, Employer: employer, Name: party.Doc.Name, Post: post, State: JobDraft, Created: cmd.At.UTC()}
		return []store.Entry{store.Audit("job.create", "", nil)}, nil
	})
}

// Job reads one job. One that is or was on the market may be seen by anybody
// signed in; a draft, one under review and a removed one by its employer and
// those whose office it is.
func (b *Board) Job(ctx context.Context, by Caller, id string) (store.Item[Job], error) {
	it, err := b.Jobs.Get(ctx, id)
	if err != nil {
		return it, err
	}
	if !it.Doc.public() && !by.ActsFor(it.Doc.Employer) && !by.Reads(it.Doc.Market) {
		return store.Item[Job]{}, store.ErrNotFound
	}
	return it, nil
}

func (j *Job) public() bool {
	switch j.State {
	case JobOpen, JobFilled, JobClosed, JobExpired:
		return !j.Opened.IsZero()
	case JobDraft, JobInReview, JobRemoved:
	}
	return false
}

// OpenJobs lists a market's open jobs, newest first; of one trade where one is
// given.
func (b *Board) OpenJobs(ctx context.Context, county, trade, cursor string, limit int) (store.Page[Job], error) {
	r := store.Range{Index: "state", Prefix: store.K(county, string(JobOpen)), Cursor: cursor, Limit: limit, Descending: true}
	if trade != "" {
		r.Index, r.Prefix = "trade", store.K(trade, county)
	}
	return b.Jobs.Find(ctx, r)
}

// JobsOf lists an employer's jobs, newest first.
func (b *Board) JobsOf(ctx context.Context, by Caller, employer, cursor string, limit int) (store.Page[Job], error) {
	if err := by.mustActFor(employer); err != nil {
		return store.Page[Job]{}, err
	}
	return b.Jobs.Find(ctx, store.Range{Index: "employer", Prefix: store.K(employer), Cursor: cursor, Limit: limit, Descending: true})
}

// JobsInReview lists a market's posts that wait for an operator, oldest first.
func (b *Board) JobsInReview(ctx context.Context, by Caller, county, cursor string, limit int) (store.Page[Job], error) {
	if !by.Reads(county) {
		return store.Page[Job]{}, fault.New(fault.Forbidden, "only this market's operators and auditors see its queue")
	}
	return b.Jobs.Find(ctx, store.Range{Index: "state", Prefix: store.K(county, string(JobInReview)), Cursor: cursor, Limit: limit})
}

// EditJob changes a draft.
func (b *Board) EditJob(ctx context.Context, by Caller, cmd store.Command, id string, post JobPost) (store.Item[Job], error) {
	return b.ownJob(ctx, by, cmd, id, func(j *Job) ([]store.Entry, error) { return j.Edit(post, cmd.At) })
}

// SubmitJob puts a draft before the operators. The employer must be verified.
func (b *Board) SubmitJob(ctx context.Context, by Caller, cmd store.Command, id string) (store.Item[Job], error) {
	it, err := b.Job(ctx, by, id)
	if err != nil {
		return it, err
	}
	party, err := b.parties.Get(ctx, it.Doc.Employer)
	if err != nil {
		return store.Item[Job]{}, err
	}
	if err := party.Doc.MayPost(cmd.At); by.ActsFor(it.Doc.Employer) && err != nil {
		return store.Item[Job]{}, err
	}
	return b.ownJob(ctx, by, cmd, id, func(j *Job) ([]store.Entry, error) {
		j.Name = party.Doc.Name // it may have another since the draft was written
		return j.Submit(cmd.At)
	})
}

// CloseJob ends a job by its employer.
func (b *Board) CloseJob(ctx context.Context, by Caller, cmd store.Command, id, reason string) (store.Item[Job], error) {
	return b.ownJob(ctx, by, cmd, id, func(j *Job) ([]store.Entry, error) { return j.Close(reason) })
}

func (b *Board) ownJob(ctx context.Context, by Caller, cmd store.Command, id string, fn func(*Job) ([]store.Entry, error)) (store.Item[Job], error) {
	return b.Jobs.Update(ctx, id, cmd, func(j *Job) ([]store.Entry, error) {
		if !by.ActsFor(j.Employer) {
			if j.public() {
				return nil, fault.New(fault.Forbidden, "only its employer may do this")
			}
			return nil, store.ErrNotFound
		}
		return fn(j)
	})
}

// DecideJob records an operator's decision on a post under review; RemoveJob
// takes one down. The room moderation calls them.
func (b *Board) DecideJob(ctx context.Context, by Caller, cmd store.Command, id string, d Decision) (store.Item[Job], error) {
	it, err := b.judged(ctx, by, id)
	if err != nil {
		return it, err
	}
	m, err := b.markets.Get(ctx, it.Doc.Market)
	if err != nil {
		return store.Item[Job]{}, err
	}
	party, err := b.parties.Get(ctx, it.Doc.Employer)
	if err != nil {
		return store.Item[Job]{}, err
	}
	if err := party.Doc.MayPost(cmd.At); d.Approve && err != nil {
		return store.Item[Job]{}, err
	}
	return b.Jobs.Update(ctx, id, cmd, func(j *Job) ([]store.Entry, error) {
		entries, err := j.Decide(d, by.Person, m.Doc.Settings, cmd.At)
		return notify.Tell(entries, party.Doc.People, "job.reviewed", map[string]any{"job": id, "approved": d.Approve, "reason": d.Reason}), err
	})
}

// RemoveJob takes a post down, with the reason.
func (b *Board) RemoveJob(ctx context.Context, by Caller, cmd store.Command, id, reason string) (store.Item[Job], error) {
	it, err := b.judged(ctx, by, id)
	if err != nil {
		return it, err
	}
	party, err := b.parties.Get(ctx, it.Doc.Employer)
	if err != nil {
		return store.Item[Job]{}, err
	}
	return b.Jobs.Update(ctx, id, cmd, func(j *Job) ([]store.Entry, error) {
		entries, err := j.Remove(reason)
		return notify.Tell(entries, party.Doc.People, "job.removed", map[string]any{"job": id, "reason": reason}), err
	})
}

// judged reads a job for an operator's act on it: of the market, and not of the
// party.
func (b *Board) judged(ctx context.Context, by Caller, id string) (store.Item[Job], error) {
	it, err := b.Job(ctx, by, id)
	if err != nil {
		return it, err
	}
	if err := by.mustOperate(it.Doc.Market); err != nil {
		return it, err
	}
	if by.ActsFor(it.Doc.Employer) {
		return it, fault.New(fault.Forbidden, "nobody judges a post of a party that they act for").WithFix("leave it to another operator")
	}
	return it, nil
}

// Settle does what has fallen due in all jobs by now: first looks that close,
// posts that expire. Any node may call it at any time; each thing happens once.
// It gives how many jobs it changed; one that cannot be settled does not keep the
// others.
func (b *Board) Settle(ctx context.Context, node string, now time.Time) (int, error) {
	n, failed := 0, []error(nil)
	err := b.Jobs.Each(ctx, store.Range{Index: "next", To: store.K(now.Add(time.Millisecond))}, func(it store.Item[Job]) error {
		due := it.Doc.Next()
		if now.Before(due) {
			return nil
		}
		cmd := store.Command{ID: "settle@" + due.Format(time.RFC3339Nano), Actor: "system:settler", From: node, At: now}
		if _, err := b.Jobs.Update(ctx, it.ID, cmd, func(j *Job) ([]store.Entry, error) { return j.Settle(now) }); err != nil {
			failed = append(failed, fmt.Errorf("job %s: %w", it.ID, err))
			return ctx.Err()
		}
		n++
		return nil
	})
	return n, errors.Join(append(failed, err)...)
}
