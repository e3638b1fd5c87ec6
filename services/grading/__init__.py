"""grading knows judgement: exams, who sat them, who marks, what the marking says, and who may read it."""
