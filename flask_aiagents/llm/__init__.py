"""Models and money: plain Python that knows no Flask, no database and no tenant."""
