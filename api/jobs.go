package api

import (
	"context"
	"time"

	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
)

// JobView is a job as people see it.
type JobView struct {
	ID       string          `json:"id"`
	Market   string          `json:"market"`
	Employer string          `json:"employer"`
	Name     string          `json:"employer_name" doc:"As registered; of an individual: masked"`
	State    market.JobState `json:"state"`
	Post     market.JobPost  `json:"post"`
	Free     int             `json:"free" doc:"Places that are not taken"`
	Look     *LookView       `json:"first_look,omitempty"`
	Reason   string          `json:"reason,omitempty" doc:"The operator's, where the post was refused or removed"`
	Created  time.Time       `json:"created"`
	Opened   time.Time       `json:"opened,omitzero"`
	Rev      int64           `json:"rev"`
}

// LookView is a job's first look as people see it.
type LookView struct {
	Opened time.Time         `json:"opened"`
	Ends   time.Time         `json:"ends"`
	Open   bool              `json:"open" doc:"While it is, only cooperatives are offered the job or may apply"`
	Closed market.LookReason `json:"closed,omitempty" doc:"Why it closed"`
	Teams  int               `json:"teams" doc:"How many teams of cooperatives it is for"`
}

func jobView(it store.Item[market.Job]) JobView {
	j := it.Doc
	v := JobView{ID: it.ID, Market: j.Market, Employer: j.Employer, Name: j.Name, State: j.State, Post: j.Post, Free: j.Free(), Created: j.Created, Opened: j.Opened, Rev: it.Rev}
	if j.Look != nil {
		v.Look = &LookView{j.Look.Opened, j.Look.Ends, j.LookOpen(), j.Look.Closed, len(j.Look.Teams)}
	}
	if j.Reviewed != nil && !j.Reviewed.Approve {
		v.Reason = j.Reviewed.Reason
	}
	return v
}

// JobPath names a job.
type JobPath struct {
	Job string `path:"job"`
}

// JobRequest writes a job.
type JobRequest struct {
	Employer string `json:"employer" maxLength:"40" doc:"Id of the employer, one of your parties"`
	market.JobPost
}

func (s *Server) createJob(ctx context.Context, in *struct{ Body JobRequest }) (*of[JobView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.CreateJob(ctx, by, cmd, in.Body.Employer, in.Body.JobPost)
	return one(it, err, jobView)
}

func (s *Server) openJobs(ctx context.Context, in *struct {
	Market string `query:"market" required:"true" maxLength:"6" doc:"County code"`
	Trade  string `query:"trade" maxLength:"40" doc:"Of this trade only"`
	Paging
},
) (*of[Page[JobView]], error) {
	p, err := s.cfg.Board.OpenJobs(ctx, in.Market, in.Trade, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return page(p, jobView), nil
}

func (s *Server) partyJobs(ctx context.Context, in *struct {
	PartyPath
	Paging
},
) (*of[Page[JobView]], error) {
	p, err := s.cfg.Board.JobsOf(ctx, visitorOf(ctx).caller, in.Party, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return page(p, jobView), nil
}

func (s *Server) job(ctx context.Context, in *JobPath) (*of[JobView], error) {
	it, err := s.cfg.Board.Job(ctx, visitorOf(ctx).caller, in.Job)
	return one(it, err, jobView)
}

func (s *Server) editJob(ctx context.Context, in *struct {
	JobPath
	Body market.JobPost
},
) (*of[JobView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.EditJob(ctx, by, cmd, in.Job, in.Body)
	return one(it, err, jobView)
}

func (s *Server) submitJob(ctx context.Context, in *JobPath) (*of[JobView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.SubmitJob(ctx, by, cmd, in.Job)
	return one(it, err, jobView)
}

// Reason is the body of an act that needs nothing but a reason.
type Reason struct {
	Reason string `json:"reason" minLength:"4" maxLength:"500" doc:"Why; those whom it concerns read it"`
}

func (s *Server) closeJob(ctx context.Context, in *struct {
	JobPath
	Body Reason
},
) (*of[JobView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.CloseJob(ctx, by, cmd, in.Job, in.Body.Reason)
	return one(it, err, jobView)
}

// Candidates are the teams that could do a job, and why others cannot.
type Candidates struct {
	Candidates []matching.Candidate  `json:"candidates"`
	Others     []matching.Obstructed `json:"others" doc:"Teams of the trade that cannot, counted by what is in the way"`
}

func (s *Server) candidates(ctx context.Context, in *JobPath) (*of[Candidates], error) {
	found, others, err := s.cfg.Engine.Candidates(ctx, visitorOf(ctx).caller, in.Job)
	if err != nil {
		return nil, err
	}
	return answered(Candidates{found, others}, 0), nil
}

func (s *Server) jobHandshakes(ctx context.Context, in *struct {
	JobPath
	Paging
},
) (*of[Page[HandshakeView]], error) {
	by := visitorOf(ctx).caller
	p, err := s.cfg.Handshakes.OfJob(ctx, by, in.Job, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return page(p, handshakeView(by)), nil
}

// TeamChoice names a team for a job.
type TeamChoice struct {
	Team   string `json:"team" maxLength:"40"`
	People int    `json:"people,omitempty" minimum:"0" maximum:"1000" doc:"How many of it; 0 for as many as both have"`
}

func (s *Server) invite(ctx context.Context, in *struct {
	JobPath
	Body TeamChoice
},
) (*of[HandshakeView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Handshakes.Invite(ctx, by, cmd, in.Job, in.Body.Team, in.Body.People)
	return admitted(it, err, by)
}

func (s *Server) apply(ctx context.Context, in *struct {
	JobPath
	Body TeamChoice
},
) (*of[HandshakeView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Handshakes.Apply(ctx, by, cmd, in.Job, in.Body.Team, in.Body.People)
	return admitted(it, err, by)
}
