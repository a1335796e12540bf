package agreement

import (
	"time"
)

// Terms are the agreed terms (协议条款) in the form that version 1 froze: the fields
// of [market.Terms] as they were then, so that a contract of today can be read
// when those have changed. A test fails when the two part, and then a version 2 is
// due.
type Terms struct {
	Task         string     `json:"task"`
	Trade        string     `json:"trade"`
	Site         Site       `json:"site"`
	Period       Period     `json:"period"`
	HoursPerDay  float64    `json:"hours_per_day"`
	People       int        `json:"people"`
	Pay          Pay        `json:"pay"`
	PayDay       string     `json:"pay_day"`
	Conditions   Conditions `json:"conditions"`
	Insurance    string     `json:"insurance"`
	Safety       string     `json:"safety,omitempty"`
	Tools        string     `json:"tools"`
	Weather      string     `json:"weather,omitempty"`
	Cancellation string     `json:"cancellation,omitempty"`
}

// Site is where the work is.
type Site struct {
	Place  string `json:"place"`
	Detail string `json:"detail,omitempty"`
	Point  *Point `json:"point,omitempty"`
}

// Point is a position in degrees, WGS-84.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Period is a span of whole days; both ends belong to it.
type Period struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Pay is what a person earns, in fen for one unit.
type Pay struct {
	Amount int64  `json:"amount_fen"`
	Unit   string `json:"unit"`
}

// Conditions say who provides what beside pay.
type Conditions struct {
	Meals     string `json:"meals"`
	Lodging   string `json:"lodging"`
	Transport string `json:"transport"`
}

// The closed sets of version 1, in Chinese.
var (
	providers = map[string]string{"employer": "用工主体", "team": "劳务队", "none": "无"}
	payUnits  = map[string]string{"hour": "元/人·小时", "day": "元/人·天", "piece": "元/件", "lump_sum": "元（总价）"}
	payDays   = map[string]string{"daily": "按日支付", "weekly": "按周支付", "monthly": "按月支付", "on_completion": "完工支付"}
)

// check refuses what are no terms. It judges their form and not whether they are
// good: that was done when they were accepted, by the rules of that day.
func (t Terms) check() error {
	from, errFrom := time.Parse(time.DateOnly, t.Period.From)
	to, errTo := time.Parse(time.DateOnly, t.Period.To)
	_, unit := payUnits[t.Pay.Unit]
	_, payDay := payDays[t.PayDay]
	provided := true
	for _, p := range []string{t.Conditions.Meals, t.Conditions.Lodging, t.Conditions.Transport, t.Insurance, t.Tools} {
		_, ok := providers[p]
		provided = provided && ok
	}
	switch {
	case t.Task == "" || t.Trade == "" || t.Site.Place == "":
		return flaw("条款缺少任务、工种或地点", "the terms lack a task, a trade or a place")
	case errFrom != nil || errTo != nil || to.Before(from):
		return flaw("条款的日期不成立", "the terms' dates are not right")
	case t.People < 1 || !(t.HoursPerDay > 0 && t.HoursPerDay <= 24):
		return flaw("条款的人数或工时不成立", "the terms' people or hours are not right")
	case t.Pay.Amount < 1 || !unit || !payDay:
		return flaw("条款的报酬不成立", "the terms' pay is not right")
	case !provided:
		return flaw("条款未说明由谁提供食宿、交通、保险或工具", "the terms do not say who provides meals, lodging, transport, insurance or tools")
	}
	return nil
}
