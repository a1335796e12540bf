package market

import (
	"errors"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// JobState is where a job is in its life. The set is closed.
//
//	draft ──submit──▶ in_review ──approve──▶ open ◀──places claimed or freed──▶ filled
//	  ▲                   │ refuse             ├──close──▶ closed
//	  └───────────────────┘                    ├──deadline──▶ expired
//	any state but the last three ──remove──▶ removed
type JobState string

// The states of a job.
const (
	JobDraft    JobState = "draft"
	JobInReview JobState = "in_review"
	JobOpen     JobState = "open"
	JobFilled   JobState = "filled"
	JobClosed   JobState = "closed"
	JobExpired  JobState = "expired"
	JobRemoved  JobState = "removed"
)

// Job (用工需求) is what an employer posts, and all that decides who may still
// take a place in it: its first look, the handshakes it has admitted, the places
// they have claimed.
type Job struct {
	Market   string      `json:"market"`
	Employer string      `json:"employer"` // party id
	Name     string      `json:"name"`     // the employer's, as the post shows it; of an individual: masked
	Post     JobPost     `json:"post"`
	State    JobState    `json:"state"`
	Reviewed *Review     `json:"reviewed,omitempty"` // the operator's newest act
	Look     *FirstLook  `json:"look,omitempty"`
	Admitted []Admission `json:"admitted,omitempty"`
	Ticks    int64       `json:"ticks"`    // counts what happened to look and places, for their order
	Settings Settings    `json:"settings"` // the market's when it opened
	Created  time.Time   `json:"created"`
	Opened   time.Time   `json:"opened,omitzero"`
}

// Review is an operator's act on a post.
type Review struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Approve bool      `json:"approve"`
	Reason  string    `json:"reason"`
}

// JobPost is what the employer writes. The fields that 五部门 (January 2026)
// makes mandatory (headcount, conditions, duties, place, base pay, an expiry)
// are; a repost names its source.
type JobPost struct {
	Title        string     `json:"title" minLength:"2" maxLength:"60" doc:"Headline"`
	Trade        string     `json:"trade" doc:"Code of the trade, from /v1/trades"`
	Duties       string     `json:"duties" minLength:"5" maxLength:"2000" doc:"What is to be done"`
	Requirements string     `json:"requirements" minLength:"1" maxLength:"1000" doc:"Conditions for taking part; 无 where there are none"`
	Headcount    int        `json:"headcount" minimum:"1" maximum:"1000" doc:"People needed on each day"`
	Period       Period     `json:"period"`
	HoursPerDay  float64    `json:"hours_per_day" minimum:"0.5" maximum:"12" doc:"Hours of work a day, in half hours"`
	Pay          Pay        `json:"pay"`
	Site         Site       `json:"site"`
	Conditions   Conditions `json:"conditions"`
	Deadline     time.Time  `json:"deadline" doc:"Until when teams can be found for it; then the post expires"`
	Source       string     `json:"source,omitempty" maxLength:"200" doc:"For a repost: where it was first published"`
}

// Validate reports every field that is wrong.
func (p JobPost) Validate(now time.Time) error {
	errs := []error{
		checkText("title", p.Title, 2, 60),
		checkTrade("trade", p.Trade),
		checkText("duties", p.Duties, 5, 2000),
		checkText("requirements", p.Requirements, 1, 1000),
		checkPeople("headcount", p.Headcount),
		p.Period.Validate("period"),
		checkHours("hours_per_day", p.HoursPerDay),
		p.Pay.Validate("pay"),
		p.Site.Validate("site"),
		p.Conditions.Validate("conditions"),
		checkText("source", p.Source, 0, 200),
	}
	dated := p.Period.Validate("") == nil
	switch {
	case !dated:
	case p.Period.From < DateOf(now):
		errs = append(errs, fault.Field("period.from", "the work would have begun already", "name today or a later day"))
	case p.Period.From > DateOf(now).Add(MaxDays):
		errs = append(errs, fault.Field("period.from", "the work begins more than a year from now", "post it nearer to its time"))
	}
	switch {
	case !p.Deadline.After(now):
		errs = append(errs, fault.Field("deadline", "the deadline has passed", "name a time to come"))
	case dated && p.Deadline.After(p.Period.End()):
		errs = append(errs, fault.Field("deadline", "the deadline is after the work's last day", "name a time before the work is over"))
	}
	return errors.Join(errs...)
}

// Where gives the job's coordinates.
func (p JobPost) Where() Point { return p.Site.Where() }

// Terms gives the terms that the post itself proposes, for a team of so many. Of a
// lump sum, which is for the whole job, such a team has its share: several teams
// may share the job, and the shares together are not more than the sum.
func (p JobPost) Terms(people int) Terms {
	pay := p.Pay
	if pay.Unit == LumpSum {
		pay.Amount = max(1, pay.Amount*Fen(people)/Fen(max(1, p.Headcount)))
	}
	return Terms{
		Task: p.Duties, Trade: p.Trade, Site: p.Site, Period: p.Period, HoursPerDay: p.HoursPerDay, People: people,
		Pay: pay, PayDay: PayOnCompletion, Conditions: p.Conditions, Insurance: ByEmployer, Tools: ByEmployer,
	}
}

func (j *Job) refuse(act string) error {
	return fault.New(fault.Conflict, "a job that is %s cannot be %s", j.State, act)
}

// Edit changes a draft.
func (j *Job) Edit(p JobPost, now time.Time) ([]store.Entry, error) {
	if j.State != JobDraft {
		return nil, j.refuse("edited")
	}
	if err := p.Validate(now); err != nil {
		return nil, err
	}
	j.Post = p
	return []store.Entry{store.Audit("job.edit", "", nil)}, nil
}

// Submit puts a draft before the market's operators.
func (j *Job) Submit(now time.Time) ([]store.Entry, error) {
	if j.State != JobDraft {
		return nil, j.refuse("submitted")
	}
	if err := j.Post.Validate(now); err != nil {
		return nil, err
	}
	j.State = JobInReview
	return []store.Entry{store.Audit("job.submit", "", nil), j.feed("job.submitted")}, nil
}

// Decide records an operator's decision on a post under review. Approved, it
// opens, and with it the first look of the cooperatives (意见三（八）).
func (j *Job) Decide(d Decision, by string, s Settings, now time.Time) ([]store.Entry, error) {
	if j.State != JobInReview {
		return nil, j.refuse("reviewed")
	}
	if err := CheckReason(d.Reason); err != nil {
		return nil, err
	}
	if d.Approve && !j.Post.Deadline.After(now) {
		return nil, fault.New(fault.Conflict, "the post's deadline passed while it waited").WithFix("refuse it with this reason, so that the employer can set a new one")
	}
	j.Reviewed = &Review{By: by, At: now.UTC(), Approve: d.Approve, Reason: d.Reason}
	if !d.Approve {
		j.State = JobDraft
		return []store.Entry{store.Audit("job.refuse", d.Reason, nil), j.feed("job.refused")}, nil
	}
	j.State, j.Opened, j.Settings = JobOpen, now.UTC(), s
	j.openLook(s, now)
	return []store.Entry{store.Audit("job.open", d.Reason, j.Look), j.feed("job.opened")}, nil
}

// Close ends a job by its employer. Handshakes that are signed stay; the others
// are ended by the engine.
func (j *Job) Close(reason string) ([]store.Entry, error) {
	switch j.State {
	case JobClosed:
		return nil, nil
	case JobExpired, JobRemoved:
		return nil, j.refuse("closed")
	case JobDraft, JobInReview, JobOpen, JobFilled:
	}
	if err := CheckReason(reason); err != nil {
		return nil, err
	}
	j.State = JobClosed
	j.closeLook(LookJobOver)
	return []store.Entry{store.Audit("job.close", reason, nil), j.feed("job.closed")}, nil
}

// Remove takes a post down by an operator.
func (j *Job) Remove(reason string) ([]store.Entry, error) {
	switch j.State {
	case JobRemoved:
		return nil, nil
	case JobClosed, JobExpired:
		return nil, j.refuse("removed")
	case JobDraft, JobInReview, JobOpen, JobFilled:
	}
	if err := CheckReason(reason); err != nil {
		return nil, err
	}
	j.State = JobRemoved
	j.closeLook(LookJobOver)
	return []store.Entry{store.Audit("job.remove", reason, nil), j.feed("job.removed")}, nil
}

// Next gives the instant at which something falls due by itself; the zero time
// if nothing does.
func (j *Job) Next() time.Time {
	switch j.State {
	case JobOpen, JobFilled:
		if j.LookOpen() && j.Look.Ends.Before(j.Post.Deadline) {
			return j.Look.Ends
		}
		return j.Post.Deadline
	case JobInReview:
		return j.Post.Deadline
	case JobDraft, JobClosed, JobExpired, JobRemoved:
	}
	return time.Time{}
}

// Settle does what has fallen due at now: it closes the first look, or lets the
// post expire. It does nothing when nothing is due.
func (j *Job) Settle(now time.Time) ([]store.Entry, error) {
	next := j.Next()
	if next.IsZero() || now.Before(next) {
		return nil, nil
	}
	if !now.Before(j.Post.Deadline) {
		j.State = JobExpired
		j.closeLook(LookJobOver)
		return []store.Entry{store.Audit("job.expire", "the post's deadline passed", nil), j.feed("job.expired")}, nil
	}
	j.closeLook(LookTime)
	return []store.Entry{store.Audit("job.look_closed", string(LookTime), j.Look), j.feed("job.look_closed")}, nil
}

// PostsFeed names the feed of a market's posts. Its entries refer to a job or a
// team, or to a party that was judged.
func PostsFeed(market string) string { return "feed/posts/" + market }

// feed makes the entry that tells later rooms of the change; its body is a
// [store.Ref] to the job.
func (j *Job) feed(kind string) store.Entry {
	return store.Entry{Log: PostsFeed(j.Market), Kind: kind}
}
