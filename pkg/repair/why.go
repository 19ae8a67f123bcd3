package repair

// texts are the reasons in an operator's words.
var texts = map[Why]string{
	WhyOff:       "left: the mode does not go that far",
	WhyBudget:    "left: the run has made as many as it may",
	WhyTime:      "left: the run had to end",
	WhyUnticked:  "not made: no webhook of the campaign sends the type",
	WhyNoSource:  "not made: nobody can tell in whose name it would enter",
	WhyErased:    "not made: the lead was erased",
	WhyUntold:    "not made: nobody can tell whether the lead was erased",
	WhyNoHistory: "not made: the lead's message history does not show which mail it was",
	WhyNoTime:    "not made: without a time or an id it could not be told from a repeat",
	WhyUnproven:  "not made: no such event arrived by which its identity can be tried",
	WhyDiffers:   "not made: its identity needs what Smartlead's API does not tell",
	WhyUnasked:   "left: Smartlead could not be asked",
	WhyFailed:    "failed",
}

// Text is the reason in an operator's words.
func (w Why) Text() string { return texts[w] }
