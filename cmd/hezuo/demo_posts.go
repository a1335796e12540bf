package main

import (
	"fmt"
	"time"

	"hezuo/market"
)

// buildCooperatives makes the cooperatives and their teams; the story's is one.
func (t *town) buildCooperatives(counties []market.Place) error {
	var all []*household
	var homes []village
	for i := range t.size.cooperatives - 1 {
		v := t.village(counties[i%len(counties)], 4, 14)
		h, err := t.cooperative(v)
		if err != nil {
			return err
		}
		all, homes = append(all, h), append(homes, v)
	}
	waiting := all[len(all)-1] // one still waits to be verified
	waiting.decision = nil
	for i := range t.size.teams - len(t.cast.cooperative.teams) {
		h, v := all[i%len(all)], homes[i%len(all)]
		plan := t.team(v, t.anyWork())
		switch {
		case h == waiting, i%40 == 7:
			plan.opened = time.Time{}
		case i%50 == 11:
			plan.closed = true
		}
		h.teams = append(h.teams, plan)
	}
	t.houses = append(t.houses, all...)
	return nil
}

// buildAgencies makes those who are offered work after the cooperatives.
func (t *town) buildAgencies(counties []market.Place) error {
	for i := range t.size.agencies - 1 + t.size.outsiders {
		county := counties[(i*3+1)%len(counties)]
		v := t.village(county, 4, 14)
		var h *household
		var err error
		if i < t.size.agencies-1+4 {
			h, err = t.agency(county, i < t.size.agencies-1)
		} else {
			h, err = t.newcomer(market.Individual, county.Code, "", "身份证件当面核对一致")
		}
		if err != nil {
			return err
		}
		h.teams = append(h.teams, t.team(v, t.anyWork()))
		if h.decision.Partnered {
			h.teams = append(h.teams, t.team(v, t.anyWork()))
		}
		t.houses = append(t.houses, h)
	}
	return nil
}

// buildEmployers makes the employers and their jobs.
func (t *town) buildEmployers(counties []market.Place) error {
	var posting []*household
	var homes []village
	for i := range t.size.employers {
		county := counties[i%len(counties)]
		v := t.village(county, 4, 14)
		h, err := t.employer(i, v)
		if err != nil {
			return err
		}
		switch i % 50 {
		case 17, 34:
			h.decision = nil
		case 49:
			h.decision = &market.Decision{Reason: "营业执照照片模糊，请重新上传后再次申请核验"}
		}
		t.houses = append(t.houses, h)
		if h.verified() {
			posting, homes = append(posting, h), append(homes, v)
		}
	}
	fates := t.fates()
	for i, f := range fates {
		h := posting[i%len(posting)]
		h.jobs = append(h.jobs, t.job(homes[i%len(posting)], f))
	}
	return nil
}

// employer makes a firm, a farm or a person who needs hands.
func (t *town) employer(i int, v village) (*household, error) {
	if i%3 == 2 {
		return t.newcomer(market.Individual, v.county.Code, "", "身份证件当面核对一致，用工地块已由村委会证明")
	}
	kinds := []string{"农业科技有限公司", "果蔬专业种植有限公司", "家庭农场有限公司", "食品有限公司", "园林工程有限公司", "建筑工程有限公司", "物流有限公司", "轴承有限公司"}
	name := v.county.Name + pick(t.rand, firmWords) + pick(t.rand, firmWords) + kinds[i%len(kinds)]
	return t.newcomer(market.Company, v.county.Code, name, "营业执照与登记信息一致，经办人有授权书")
}

// fates deals out what becomes of the jobs.
func (t *town) fates() []fate {
	var out []fate
	for _, f := range []struct {
		fate fate
		n    int
	}{
		{fateDraft, 14}, {fateReview, 16}, {fateRefused, 6}, {fateClosed, 12}, {fateRemoved, 4}, {fateExpired, 12}, {fateFilled, 12}, {fateTalk, 12},
	} {
		for range f.n {
			out = append(out, f.fate)
		}
	}
	for len(out) < t.size.jobs {
		out = append(out, fateOpen)
	}
	t.rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:t.size.jobs]
}

// job makes a job with its fate.
func (t *town) job(v village, f fate) jobPlan {
	w := pick(t.rand, inSeason(t.now.In(market.Shanghai).Month()))
	plan := jobPlan{fate: f, written: t.ago(30*time.Minute, 5*24*time.Hour)}
	from, days := t.today().Add(2+t.rand.IntN(18)), 1+t.rand.IntN(6)
	if f == fateExpired {
		plan.written = t.ago(9*24*time.Hour, 12*24*time.Hour)
		from = t.today().Add(-2 - t.rand.IntN(3))
	}
	people := w.least + t.rand.IntN(w.most-w.least+1)
	if f == fateFilled || f == fateTalk { // so that one team can do it
		people = w.least
	}
	plan.post = market.JobPost{
		Title: v.town.Name + pick(t.rand, w.titles) + fmt.Sprintf("，用%d人", people), Trade: w.trade,
		Duties: w.says(t.rand), Requirements: w.asks(), Headcount: people,
		Period: market.Period{From: from, To: from.Add(days - 1)}, HoursPerDay: w.hours, Pay: w.pay(t.rand, people, days),
		Site:       v.site(pick(t.rand, []string{"村东", "村西", "村南", "村北", "村口"})),
		Conditions: t.conditions(), Deadline: from.Add(-1).Start().Add(18 * time.Hour),
	}
	plan.reviewed = t.reviewed(plan.written)
	if plan.reviewed.Before(plan.written) {
		plan.written = plan.reviewed.Add(-5 * time.Minute)
	}
	return plan
}

// conditions are what a post brings beside pay.
func (t *town) conditions() market.Conditions {
	c := market.Conditions{Meals: market.ByEmployer, Lodging: market.ByNobody, Transport: market.ByTeam}
	switch t.rand.IntN(3) {
	case 0:
		c.Meals = market.ByNobody
	case 1:
		c.Transport = market.ByEmployer
	}
	return c
}

// reviewed gives when an operator looked at a post: at least ten minutes ago, and so
// that no first look (4 h) ends while the story is played.
func (t *town) reviewed(written time.Time) time.Time {
	at := written.Add(5*time.Minute + time.Duration(t.rand.Int64N(int64(3*time.Hour))))
	if latest := t.now.Add(-10 * time.Minute); at.After(latest) {
		at = latest
	}
	look := time.Duration(market.DefaultSettings().FirstLookMinutes) * time.Minute
	if ends := at.Add(look); ends.After(t.now.Add(-10*time.Minute)) && ends.Before(t.now.Add(20*time.Minute)) {
		at = at.Add(-30 * time.Minute)
	}
	return at
}
