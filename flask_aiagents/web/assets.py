"""Static files of our pages, served by a blueprint whose answers leave no file open."""

from __future__ import annotations

from flask import Blueprint, Response


def close_unsent(blueprint: Blueprint) -> None:
    """Close the files of answers without a body: werkzeug opens them for a 304, too, and leaves them open."""

    @blueprint.after_request
    def close(response: Response) -> Response:
        if response.status_code == 304:
            response.close()
        return response
