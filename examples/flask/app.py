"""A Flask application. gunicorn is among its dependencies, so Cygni starts it with that, on $PORT."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return {"message": "Hello from Flask"}
