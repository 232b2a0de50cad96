"""The loop of a lesson: predict, see, conclude, try, recall; and what is kept of it."""

from tlkit.lessons.curve import Curve
from tlkit.lessons.exercise import Exercise
from tlkit.lessons.notes import MIME, Note, Outcome, conclude, right, wrong
from tlkit.lessons.predictions import Choice, Number, Order, Prediction
from tlkit.lessons.quiz import Question, Quiz

__all__ = [
    "MIME", "Choice", "Curve", "Exercise", "Note", "Number", "Order", "Outcome", "Prediction", "Question",
    "Quiz", "conclude", "right", "wrong",
]  # fmt: skip
