"""The panel: Flask-Admin views over the services. The only importer of flask_admin."""
