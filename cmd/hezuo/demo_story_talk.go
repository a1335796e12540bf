package main

import (
	"context"
	"encoding/json"
	"fmt"

	"hezuo/api"
	"hezuo/api/client"
	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/realtime"
)

// jobOf gives the job that an inbox entry is about.
func jobOf(body json.RawMessage) string {
	var news matching.News
	if json.Unmarshal(body, &news) != nil {
		return ""
	}
	return news.Job
}

func (s *story) bothSayYes(ctx context.Context) error {
	for _, a := range []*actor{s.leader, s.employer} {
		if err := post(ctx, a, "/v1/handshakes/"+s.handshake+"/yes", api.As{}); err != nil {
			return err
		}
	}
	for _, a := range []*actor{s.leader, s.employer} {
		if _, err := s.rings(ctx, a, matching.KindTalk); err != nil {
			return err
		}
		var err error
		if a.room, err = a.socket.Follow(ctx, s.handshake, 0); err != nil {
			return err
		}
	}
	h, err := client.Get[api.HandshakeView](ctx, s.employer.Client, "/v1/handshakes/"+s.handshake)
	if err != nil {
		return err
	}
	if h.State != matching.Negotiating || h.Terms == nil {
		return fmt.Errorf("the handshake is %s", h.State)
	}
	s.opening = h.Terms.Hash
	s.says("negotiating until %s; on the table is what the post says: %s", h.Deadline.In(market.Shanghai).Format("01-02 15:04"), short(s.opening))
	return nil
}

func (s *story) theyTalk(ctx context.Context) error {
	for _, line := range []struct {
		name     string
		by, hear *actor
		text     string
	}{
		{"employer", s.employer, s.leader, "您好，周四要12个人，棚里有活，上午下午都干，能来吗？"},
		{"leader", s.leader, s.employer, "人有。中午这一顿饭您管吗？队员来回跑耽误工。"},
		{"employer", s.employer, s.leader, "可以商量，您把条件写出来我看看。"},
	} {
		answer, err := line.by.socket.Do(ctx, realtime.DoSay, s.handshake, map[string]string{"text": line.text})
		if err != nil {
			return err
		}
		var n struct {
			N int64 `json:"n"`
		}
		if err := json.Unmarshal(answer, &n); err != nil {
			return err
		}
		if err := s.hears(ctx, line.hear, n.N, line.text); err != nil {
			return err
		}
		s.says("%2d  %-8s  %s", n.N, line.name, line.text)
	}
	return nil
}

// hears waits for a message at the other end.
func (s *story) hears(ctx context.Context, a *actor, n int64, text string) error {
	e, err := a.room.Wait(ctx, func(e realtime.Entry) bool { return e.N == n })
	if err != nil {
		return fmt.Errorf("waiting for message %d: %w", n, err)
	}
	var said realtime.Said
	if err := json.Unmarshal(e.Body, &said); err != nil {
		return err
	}
	return holds(said.Text == text, "message %d came as another", n)
}

func (s *story) acceptanceCrosses(ctx context.Context) error {
	h, err := client.Get[api.HandshakeView](ctx, s.leader.Client, "/v1/handshakes/"+s.handshake)
	if err != nil {
		return err
	}
	terms := h.Terms.Terms
	terms.Pay.Amount += 1000
	terms.PayDay = market.PayDaily
	terms.Conditions.Meals = market.ByEmployer
	terms.Safety = "棚内注意通风防滑，身体不适随时休息。"
	terms.Weather = "大风降雪不能下棚时顺延，当日已到场的付半天报酬。"
	answer, err := s.leader.socket.Do(ctx, realtime.DoPropose, s.handshake, map[string]any{"terms": terms, "after": h.Terms.Hash})
	if err != nil {
		return err
	}
	var made struct {
		Terms string `json:"terms"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	want, err := terms.Hash()
	if err != nil {
		return err
	}
	if made.Terms != want || want == s.opening {
		return fmt.Errorf("the proposal has the hash %s, computed here it is %s", made.Terms, want)
	}
	s.accepted = want
	s.says("the leader proposes %s: %s yuan a day paid daily, lunch by the employer", short(want), terms.Pay.Amount)
	s.says("the employer accepts %s, the terms of before", short(s.opening))
	_, err = s.employer.socket.Do(ctx, realtime.DoAccept, s.handshake, map[string]string{"hash": s.opening})
	return s.refused(err, fault.Stale, "an acceptance that crosses newer terms")
}

func (s *story) employerAccepts(ctx context.Context) error {
	e, err := s.employer.room.Wait(ctx, func(e realtime.Entry) bool { return e.Kind == matching.KindPropose })
	if err != nil {
		return err
	}
	var news realtime.Proposed
	if err := json.Unmarshal(e.Body, &news); err != nil {
		return err
	}
	if news.Terms == nil || news.Terms.Hash != s.accepted {
		return fmt.Errorf("the room shows other terms")
	}
	t := news.Terms.Terms
	s.says("in the room since entry %d: %s yuan a %s, paid %s; meals: %s; weather: %s", e.N, t.Pay.Amount, t.Pay.Unit, t.PayDay, t.Conditions.Meals, t.Weather)
	h, err := client.Post[api.HandshakeView](ctx, s.employer.Client, "/v1/handshakes/"+s.handshake+"/acceptance", map[string]string{"hash": news.Terms.Hash})
	if err != nil {
		return err
	}
	if h.State != matching.Agreed || h.Employer.Accepted != s.accepted || h.Owner.Accepted != s.accepted {
		return fmt.Errorf("the handshake is %s", h.State)
	}
	j, err := client.Get[api.JobView](ctx, s.employer.Client, "/v1/jobs/"+s.job)
	if err != nil {
		return err
	}
	s.says("agreed on %s by both; the job is %s, %d places are free", short(s.accepted), j.State, j.Free)
	return holds(j.State == market.JobFilled && j.Free == 0, "the job is %s with %d free places", j.State, j.Free)
}
